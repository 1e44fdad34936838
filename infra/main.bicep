metadata description = 'A video API on Azure Functions: everything that it needs in one resource group. See README.md beside this file.'

targetScope = 'subscription'

@description('Name of the azd environment. The names and tags of all resources follow from it.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Region of all resources. These have Flex Consumption; az functionapp list-flexconsumption-locations lists new ones.')
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({ azd: { type: 'location' } })
param location string

@description('signed: no container is public, and every playback address expires. public: media may be read by its URL.')
@allowed(['signed', 'public'])
param playbackAccess string = 'signed'

@description('Origins of other web pages that may call the API, upload and play, separated by commas; * for all pages. The pages of the app itself always may.')
param corsOrigins string = ''

@description('Who may call the API: holders of a Functions key, or of a token of Microsoft Entra ID.')
@allowed(['keys', 'entra'])
param authMode string = 'keys'

@description('For authMode entra: the issuer of the tokens (iss).')
param entraIssuer string = ''

@description('For authMode entra: the application that the tokens are for (aud).')
param entraAudience string = ''

@description('For authMode entra: URL of the issuer\'s JSON Web Key Set.')
param entraJwks string = ''

@description('Memory of an instance, MB. 2048 has one core, 4096 has two and costs twice as much; 512 cannot hold an encoder.')
@allowed([2048, 4096])
param instanceMemory int = 2048

@description('Most instances at the same time, which is the number of tasks encoded in parallel. A limit on spending, too.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 100

@description('Instances kept running for HTTP, so that the first call does not wait for a start. Each is paid for by the hour.')
@minValue(0)
@maxValue(20)
param alwaysReady int = 0

@description('Instances kept running for the function that receives blob events. Each is paid for by the hour.')
@minValue(0)
@maxValue(20)
param blobAlwaysReady int = 0

@description('Any other setting of the app (see Settings in the README), by name. Names that are set below cannot be changed here.')
param extraSettings object = {}

@description('Puts the app into a virtual network and closes host storage and the vault to the internet.')
param privateNetworking bool = false

@description('With privateNetworking: closes the media account as well. Uploads and players must then be inside the network.')
param privateMedia bool = false

@description('With privateNetworking: addresses (or CIDR ranges) which may reach the vault, for azd to make the keys; separated by commas.')
param deployerAddresses string = ''

@description('Puts Azure Front Door before the media. For playbackAccess public only. Has a monthly base price.')
param frontDoor bool = false

@description('Days for which deleted media can be restored, such as after a mistake. It is paid for as long. 0: it is gone at once.')
@minValue(0)
@maxValue(365)
param softDeleteDays int = 7

@description('Where alerts are sent. Empty: there are none, and nothing to pay for them.')
param alertEmail string = ''

@description('Monthly budget of the resource group in the currency of the subscription; mail goes to alertEmail. 0: none.')
@minValue(0)
param monthlyBudget int = 0

@description('With monthlyBudget: first day of the month in which the budget was made, such as 2026-11-01. Azure refuses to change it. The hook budget.sh sets it.')
param budgetStart string = ''

var tags = { 'azd-env-name': environmentName }
var token = toLower(uniqueString(subscription().id, environmentName, location))
var otherOrigins = filter(map(split(corsOrigins, ','), origin => trim(origin)), origin => !empty(origin))
var mediaClosed = privateNetworking && privateMedia

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module hostStorage 'app/host-storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    closed: privateNetworking
  }
}

module mediaStorage 'app/media-storage.bicep' = {
  name: 'media-storage'
  scope: group
  params: {
    name: 'stmedia${token}'
    location: location
    tags: tags
    playbackAccess: playbackAccess
    closed: mediaClosed
  }
}

module vault 'app/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    closed: privateNetworking
    deployerAddresses: empty(deployerAddresses) ? [] : split(deployerAddresses, ',')
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: token
    location: location
    tags: tags
  }
}

module events 'app/events.bicep' = {
  name: 'events'
  scope: group
  params: {
    name: 'evgt-${token}'
    location: location
    tags: tags
    mediaStorageName: mediaStorage.outputs.name
  }
}

module roles 'app/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    hostStorageName: hostStorage.outputs.name
    mediaStorageName: mediaStorage.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
    appPrincipalId: identity.outputs.principalId
    topicPrincipalId: events.outputs.principalId
    deployerId: deployer().objectId
  }
}

module network 'app/network.bicep' = if (privateNetworking) {
  name: 'network'
  scope: group
  params: {
    name: token
    location: location
    tags: tags
    hostStorageName: hostStorage.outputs.name
    mediaStorageName: mediaStorage.outputs.name
    vaultName: vault.outputs.name
  }
}

module api 'app/function.bicep' = {
  name: 'api'
  scope: group
  params: {
    name: 'func-${token}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    hostStorageName: hostStorage.outputs.name
    mediaStorageName: mediaStorage.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
    subnetId: privateNetworking ? network!.outputs.appSubnetId : ''
    otherOrigins: otherOrigins
    playbackAccess: playbackAccess
    authMode: authMode
    entraIssuer: entraIssuer
    entraAudience: entraAudience
    entraJwks: entraJwks
    instanceMemory: instanceMemory
    maximumInstances: maximumInstances
    alwaysReady: alwaysReady
    blobAlwaysReady: blobAlwaysReady
    extraSettings: extraSettings
  }
}

module mediaBlobs 'app/media-blobs.bicep' = {
  name: 'media-blobs'
  scope: group
  params: {
    mediaStorageName: mediaStorage.outputs.name
    origins: api.outputs.origins
    softDeleteDays: softDeleteDays
  }
}

module alerts 'app/alerts.bicep' = if (!empty(alertEmail)) {
  name: 'alerts'
  scope: group
  params: {
    name: token
    location: location
    tags: tags
    workspaceName: monitoring.outputs.workspaceName
    email: alertEmail
  }
}

module budget 'app/budget.bicep' = if (monthlyBudget > 0 && !empty(alertEmail)) {
  name: 'budget'
  scope: group
  params: {
    amount: monthlyBudget
    start: budgetStart
    email: alertEmail
  }
}

module door 'app/front-door.bicep' = if (frontDoor && playbackAccess == 'public' && !mediaClosed) {
  name: 'front-door'
  scope: group
  params: {
    name: token
    tags: tags
    mediaStorageName: mediaStorage.outputs.name
    origins: api.outputs.origins
  }
}

@description('Read by the hooks in azure.yaml.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Read by the hook that makes the keys.')
output AZURE_KEY_VAULT_NAME string = vault.outputs.name

@description('Read by the hook that subscribes to uploads.')
output AZURE_FUNCTION_APP_NAME string = api.outputs.name

@description('Read by the hook that subscribes to uploads.')
output AZURE_EVENT_TOPIC_NAME string = events.outputs.name

@description('Read by the hook that subscribes to uploads.')
output AZURE_HOST_STORAGE_NAME string = hostStorage.outputs.name

@description('Base address of the API.')
output API_URL string = '${api.outputs.url}/api'

@description('Where the media can be played from, instead of the blob endpoint, if there is a Front Door.')
output MEDIA_URL string = frontDoor && playbackAccess == 'public' && !mediaClosed ? door!.outputs.url : ''
