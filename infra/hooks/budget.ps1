# The same as budget.sh, for Windows.
$ErrorActionPreference = 'Stop'

if (-not $env:MONTHLY_BUDGET -or $env:MONTHLY_BUDGET -eq '0' -or -not $env:ALERT_EMAIL) { exit 0 }

$group = "rg-$env:AZURE_ENV_NAME"
$start = ''
# The first `azd provision` may ask for the subscription after this hook: then nothing is deployed yet.
if ($env:AZURE_SUBSCRIPTION_ID) {
  $exists = az group exists --name $group --subscription $env:AZURE_SUBSCRIPTION_ID
  if ($LASTEXITCODE -ne 0) { throw "It is not known whether $group exists: are you signed in (az login)?" }
  if ($exists -eq 'true') {
    $start = az rest --method get `
      --url "/subscriptions/$env:AZURE_SUBSCRIPTION_ID/resourceGroups/$group/providers/Microsoft.Consumption/budgets?api-version=2023-11-01" `
      --query "value[?name=='video-connector'].properties.timePeriod.startDate | [0]" --output tsv
    if ($LASTEXITCODE -ne 0) { throw "The budgets of $group cannot be read." }
  }
}
if ($start) { $start = $start.Substring(0, 10) } else { $start = [DateTime]::UtcNow.ToString('yyyy-MM') + '-01' }
azd env set BUDGET_START $start
if ($LASTEXITCODE -ne 0) { throw 'BUDGET_START could not be set.' }
Write-Output "Budget: from $start"
