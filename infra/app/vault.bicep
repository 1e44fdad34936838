metadata description = 'Holds the keys that wrap content keys and sign tokens. The hook keys.sh makes them, once: no template and no deployment sees them.'

@description('Name of the vault.')
param name string

@description('Region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Whether only private endpoints and deployerAddresses may reach it.')
param closed bool

@description('Addresses that may reach a closed vault.')
param deployerAddresses array

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    // Without its master key no protected video can be played ever again.
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: closed ? 'Deny' : 'Allow'
      ipRules: [for address in deployerAddresses: { value: trim(address) }]
    }
  }
}

@description('Name of the vault.')
output name string = vault.name
