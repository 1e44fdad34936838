#!/bin/sh
# After deployment: lets the media account tell the app of finished uploads. Event Grid asks the app whether it wants to
# be told, and the app makes the key for that when it first starts: until then this fails, so it is tried again.
set -eu

tries=0
until az deployment group create \
  --subscription "$AZURE_SUBSCRIPTION_ID" \
  --resource-group "$AZURE_RESOURCE_GROUP" \
  --name upload-events \
  --template-file "$(dirname "$0")/../upload-events.bicep" \
  --parameters "functionAppName=$AZURE_FUNCTION_APP_NAME" "topicName=$AZURE_EVENT_TOPIC_NAME" \
  "hostStorageName=$AZURE_HOST_STORAGE_NAME" \
  --output none; do
  tries=$((tries + 1))
  if [ "$tries" -ge 10 ]; then
    echo "Uploads are noticed by MarkComplete and by the timer only: Event Grid could not be set up. Run: azd hooks run postdeploy" >&2
    exit 1
  fi
  echo "The app is not up yet; trying again …"
  sleep "${HOOK_WAIT_SECONDS:-30}"
done
echo "Uploads: subscribed"
