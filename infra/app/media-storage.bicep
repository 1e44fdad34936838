metadata description = 'Uploads, media, rows and queues of the videos. All names are those of connector/domain/layout.py.'

@description('Name of the storage account.')
param name string

@description('Region.')
param location string

@description('Tags of the resources.')
param tags object

@description('public: a container may be readable by anyone, and the app makes those of finished media so. signed: none can be.')
@allowed(['signed', 'public'])
param playbackAccess string

@description('Whether only private endpoints may reach it. Uploads and players come straight to this account.')
param closed bool

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: playbackAccess == 'public'
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: closed ? 'Deny' : 'Allow'
    }
  }
}

// Its settings are in media-blobs.bicep: they name the app, which does not exist yet.
resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' existing = {
  parent: account
  name: 'default'
}

// The containers of each video are made by the app.
resource uploads 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobService
  name: 'uploads'
  properties: { publicAccess: 'None' }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' = {
  parent: account
  name: 'default'
}

// The last one is where the host puts events of uploads that failed five times.
resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = [for queue in [
  'advance'
  'advance-poison'
  'encode'
  'encode-poison'
  'webjobs-blobtrigger-poison'
]: {
  parent: queueService
  name: queue
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2024-01-01' = [for table in ['Videos', 'Tasks', 'Keys']: {
  parent: tableService
  name: table
}]

// Only what can never be needed again may go by age. An original cannot be told from a leftover by its name, so none is
// touched: uploads/ and the media of a finished video stay until the video is deleted. Blocks that were never committed
// are dropped by the service after a week. What is left are intermediate files whose removal a crash prevented: encoding
// takes minutes to hours, never a month.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'forget-intermediate-files'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['work-']
            }
            actions: {
              baseBlob: {
                delete: { daysAfterModificationGreaterThan: 30 }
              }
            }
          }
        }
      ]
    }
  }
}

@description('Name of the storage account.')
output name string = account.name
