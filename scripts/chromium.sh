#!/bin/sh
# Installs Chromium for the browser tests where that is possible. Never fails: without it they are skipped, and say so.
set -u
if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "No Chromium and no apt-get: the browser tests will be skipped."
    exit 0
fi
if [ "$(id -u)" -eq 0 ]; then sudo=""; elif sudo -n true 2>/dev/null; then sudo="sudo"; else
    echo "No Chromium, and no right to install it: the browser tests will be skipped."
    exit 0
fi
echo "Installing Chromium (once) …"
$sudo apt-get update -qq >/dev/null &&
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null ||
    echo "Chromium could not be installed: the browser tests will be skipped."
