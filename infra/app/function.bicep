metadata description = 'The app: a Flex Consumption plan, and how many instances of which size do what.'

@description('Name of the function app.')
param name string

@description('Region.')
param location string

@description('Tags of the resources.')
param tags object

@description('The identity of the app.')
param identityName string

@description('Storage account of the host.')
param hostStorageName string

@description('Storage account of the media.')
param mediaStorageName string

@description('Vault with the keys.')
param vaultName string

@description('Application Insights component.')
param insightsName string

@description('Subnet of the app; empty: none.')
param subnetId string

@description('Origins of other web pages that may call the API and read the media; * for all pages.')
param otherOrigins array

@description('signed or public.')
param playbackAccess string

@description('keys or entra.')
param authMode string

@description('Issuer of tokens (iss).')
param entraIssuer string

@description('Audience of tokens (aud).')
param entraAudience string

@description('URL of the issuer\'s JSON Web Key Set.')
param entraJwks string

@description('Memory of an instance, MB.')
param instanceMemory int

@description('Most instances at the same time.')
param maximumInstances int

@description('Instances kept running for HTTP.')
param alwaysReady int

@description('Instances kept running for blob events.')
param blobAlwaysReady int

@description('Settings beside those below.')
param extraSettings object

// Calls that one instance answers at the same time. The app's functions are synchronous, so each takes a thread of the
// Python worker: as many threads as calls.
var httpConcurrency = 16

// The site, the app and the account of the media let in the same pages. In this list the app has the name that Azure gives
// it in the public cloud: a resource cannot read its own address. (Its own pages need no permission there.)
var everyPage = contains(otherOrigins, '*')
var allowedOrigins = everyPage ? ['*'] : union(['https://${name}.azurewebsites.net'], otherOrigins)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: identityName
}

resource host 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: hostStorageName
}

resource media 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: mediaStorageName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

var appSettings = {
  AzureWebJobsStorage__accountName: host.name
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.properties.clientId
  // Without it the host answers / with a page of its own, to everybody.
  AzureWebJobsDisableHomepage: 'true'
  MEDIA_STORAGE__blobServiceUri: media.properties.primaryEndpoints.blob
  MEDIA_STORAGE__queueServiceUri: media.properties.primaryEndpoints.queue
  MEDIA_STORAGE__tableServiceUri: media.properties.primaryEndpoints.table
  MEDIA_STORAGE__credential: 'managedidentity'
  MEDIA_STORAGE__clientId: identity.properties.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
  TELEMETRY: 'azure'
  PYTHON_THREADPOOL_THREAD_COUNT: string(httpConcurrency)
  // Read anew within a day when a secret changes, at once when the app restarts.
  MASTER_KEYS: '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/master-keys)'
  SIGNING_KEYS: '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/signing-keys)'
  CORS_ORIGINS: join(allowedOrigins, ',')
  PLAYBACK_ACCESS: playbackAccess
  AUTH_MODE: authMode
  ENTRA_ISSUER: entraIssuer
  ENTRA_AUDIENCE: entraAudience
  ENTRA_JWKS: entraJwks
  // One task has the instance for itself (host.json), so it may use every core: one for 2048 MB, two for 4096 MB.
  ENCODER_THREADS: string(instanceMemory / 2048)
  // What its seconds cost, for the estimates.
  INSTANCE_MEMORY_MB: string(instanceMemory)
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  // azd finds the service of azure.yaml by this tag.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Players fetch keys and manifests here, and Event Grid reports uploads: there is no private way in.
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.11'
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${host.properties.primaryEndpoints.blob}packages'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemory
        maximumInstanceCount: maximumInstances
        alwaysReady: filter(
          [
            { name: 'http', instanceCount: alwaysReady }
            { name: 'blob', instanceCount: blobAlwaysReady }
          ],
          group => group.instanceCount > 0
        )
        triggers: {
          http: { perInstanceConcurrency: httpConcurrency }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      // The host answers every preflight from this list: none reaches the app.
      cors: {
        allowedOrigins: allowedOrigins
        supportCredentials: false
      }
      // A loop could not run over values that are known only during the deployment; map can.
      appSettings: map(items(union(extraSettings, appSettings)), setting => {
        name: setting.key
        value: setting.value
      })
    }
  }
}

// The package is deployed with a token, never with a user name and password.
resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

@description('Name of the function app.')
output name string = app.name

@description('Where the app answers.')
output url string = 'https://${app.properties.defaultHostName}'

@description('Origins of web pages that may read the media: the app\'s own, and the others.')
output origins array = everyPage ? ['*'] : union(['https://${app.properties.defaultHostName}'], otherOrigins)
