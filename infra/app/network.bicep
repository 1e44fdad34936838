metadata description = 'A network for the app, in which the storage accounts and the vault have private addresses.'

@description('What the names end with.')
param name string

@description('Region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Storage account of the host.')
param hostStorageName string

@description('Storage account of the media.')
param mediaStorageName string

@description('Vault with the keys.')
param vaultName string

resource host 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: hostStorageName
}

resource media 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: mediaStorageName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

var services = ['blob', 'queue', 'table', 'vault']
var zoneNames = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.vaultcore.azure.net'
]

// What the app talks to, each by the service that it uses there.
var targets = [
  { name: 'host-blob', id: host.id, service: 'blob' }
  { name: 'host-queue', id: host.id, service: 'queue' }
  { name: 'media-blob', id: media.id, service: 'blob' }
  { name: 'media-queue', id: media.id, service: 'queue' }
  { name: 'media-table', id: media.id, service: 'table' }
  { name: 'vault', id: vault.id, service: 'vault' }
]

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.20.0.0/23'] }
    subnets: [
      {
        // Instances share addresses: this is ample for a thousand of them.
        name: 'app'
        properties: {
          addressPrefix: '10.20.0.0/24'
          delegations: [
            {
              name: 'flex-consumption'
              properties: { serviceName: 'Microsoft.App/environments' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: '10.20.1.0/27' }
      }
    ]
  }

  resource appSubnet 'subnets' existing = {
    name: 'app'
  }

  resource endpointSubnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for zone in zoneNames: {
  name: zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (service, index) in services: {
  parent: zones[index]
  name: service
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: network.id }
  }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [for target in targets: {
  name: 'pe-${target.name}-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: network::endpointSubnet.id }
    privateLinkServiceConnections: [
      {
        name: target.name
        properties: {
          privateLinkServiceId: target.id
          groupIds: [target.service]
        }
      }
    ]
  }
}]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [for (target, index) in targets: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: target.service
        properties: { privateDnsZoneId: zones[indexOf(services, target.service)].id }
      }
    ]
  }
}]

@description('Where the app is put.')
output appSubnetId string = network::appSubnet.id
