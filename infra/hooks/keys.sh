#!/bin/sh
# After provisioning: makes the keys that wrap content keys and sign tokens, if there are none, and never touches any that
# are there. A key goes from openssl to the vault through a file that only this user can read: not over a command line,
# not into any output, parameter or deployment history.
set -eu

az() { command az "$@" --subscription "$AZURE_SUBSCRIPTION_ID"; }

# An error here must never be taken for "there is no key": a second master key would lock out every protected video. So
# the names are listed, which either works or does not. A new role may take minutes to arrive.
tries=0
until existing=$(az keyvault secret list --vault-name "$AZURE_KEY_VAULT_NAME" --query '[].name' --output tsv); do
  tries=$((tries + 1))
  if [ "$tries" -ge 20 ]; then
    echo "The vault $AZURE_KEY_VAULT_NAME cannot be read: is this address allowed, and are you signed in (az login)?" >&2
    exit 1
  fi
  sleep "${HOOK_WAIT_SECONDS:-15}"
done

umask 077
file=$(mktemp)
trap 'rm -f "$file"' EXIT

made=
for name in master-keys signing-keys; do
  if printf '%s\n' "$existing" | tr -d '\r' | grep -qx "$name"; then
    echo "$name: kept"
    continue
  fi
  key=$(openssl rand -base64 32)
  printf '%s:%s' "$(date -u +%Y%m%d)" "$key" > "$file"
  az keyvault secret set --vault-name "$AZURE_KEY_VAULT_NAME" --name "$name" --file "$file" --encoding utf-8 --output none
  echo "$name: made"
  made=yes
done

# The app looked for them when it was created.
if [ -n "$made" ]; then
  command az rest --method post --output none --url "/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$AZURE_RESOURCE_GROUP/providers/Microsoft.Web/sites/$AZURE_FUNCTION_APP_NAME/config/configreferences/appsettings/refresh?api-version=2022-03-01" ||
    echo "The app reads the keys when it starts next: it is deployed in a moment." >&2
fi
