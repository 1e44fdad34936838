#!/bin/sh
# Before provisioning: sets BUDGET_START. Azure refuses to change the start of a budget, and refuses a start in an earlier
# month for a new one. So a budget that exists keeps its start, and a new one starts with this month.
set -eu

if [ "${MONTHLY_BUDGET:-0}" = 0 ] || [ -z "${ALERT_EMAIL:-}" ]; then
  exit 0
fi

group="rg-$AZURE_ENV_NAME"
start=
# The first `azd provision` may ask for the subscription after this hook: then nothing is deployed yet.
if [ -n "${AZURE_SUBSCRIPTION_ID:-}" ]; then
  exists=$(az group exists --name "$group" --subscription "$AZURE_SUBSCRIPTION_ID")
  if [ "$exists" != false ]; then
    start=$(az rest --method get \
      --url "/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$group/providers/Microsoft.Consumption/budgets?api-version=2023-11-01" \
      --query "value[?name=='video-connector'].properties.timePeriod.startDate | [0]" --output tsv)
    start=$(printf '%.10s' "$start")
  fi
fi
start=${start:-$(date -u +%Y-%m-01)}
azd env set BUDGET_START "$start"
echo "Budget: from $start"
