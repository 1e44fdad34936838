# The same as keys.sh, for Windows.
$ErrorActionPreference = 'Stop'
$subscription = @('--subscription', $env:AZURE_SUBSCRIPTION_ID)

# An error here must never be taken for "there is no key": a second master key would lock out every protected video.
for ($tries = 1; ; $tries++) {
  $existing = @(az keyvault secret list --vault-name $env:AZURE_KEY_VAULT_NAME --query '[].name' --output tsv @subscription)
  if ($LASTEXITCODE -eq 0) { break }
  if ($tries -ge 20) {
    throw "The vault $env:AZURE_KEY_VAULT_NAME cannot be read: is this address allowed, and are you signed in (az login)?"
  }
  Start-Sleep -Seconds 15
}

$made = $false
foreach ($name in 'master-keys', 'signing-keys') {
  if ($existing -contains $name) {
    Write-Output "${name}: kept"
    continue
  }
  $bytes = New-Object byte[] 32
  $random = [Security.Cryptography.RandomNumberGenerator]::Create()
  $random.GetBytes($bytes)
  $random.Dispose()
  $file = New-TemporaryFile
  try {
    $value = [DateTime]::UtcNow.ToString('yyyyMMdd') + ':' + [Convert]::ToBase64String($bytes)
    [IO.File]::WriteAllText($file.FullName, $value)
    az keyvault secret set --vault-name $env:AZURE_KEY_VAULT_NAME --name $name --file $file.FullName --encoding utf-8 --output none @subscription
    if ($LASTEXITCODE -ne 0) { throw "$name could not be stored." }
  } finally {
    Remove-Item $file
  }
  Write-Output "${name}: made"
  $made = $true
}

# The app looked for them when it was created.
if ($made) {
  az rest --method post --output none --url "/subscriptions/$env:AZURE_SUBSCRIPTION_ID/resourceGroups/$env:AZURE_RESOURCE_GROUP/providers/Microsoft.Web/sites/$env:AZURE_FUNCTION_APP_NAME/config/configreferences/appsettings/refresh?api-version=2022-03-01"
  if ($LASTEXITCODE -ne 0) { Write-Warning 'The app reads the keys when it starts next: it is deployed in a moment.' }
}
exit 0
