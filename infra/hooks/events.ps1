# The same as events.sh, for Windows.
$ErrorActionPreference = 'Stop'

for ($tries = 1; ; $tries++) {
  az deployment group create `
    --subscription $env:AZURE_SUBSCRIPTION_ID `
    --resource-group $env:AZURE_RESOURCE_GROUP `
    --name upload-events `
    --template-file "$PSScriptRoot/../upload-events.bicep" `
    --parameters "functionAppName=$env:AZURE_FUNCTION_APP_NAME" "topicName=$env:AZURE_EVENT_TOPIC_NAME" "hostStorageName=$env:AZURE_HOST_STORAGE_NAME" `
    --output none
  if ($LASTEXITCODE -eq 0) { break }
  if ($tries -ge 10) {
    throw 'Uploads are noticed by MarkComplete and by the timer only: Event Grid could not be set up. Run: azd hooks run postdeploy'
  }
  Write-Output 'The app is not up yet; trying again …'
  Start-Sleep -Seconds 30
}
Write-Output 'Uploads: subscribed'
