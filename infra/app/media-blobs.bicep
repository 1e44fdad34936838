metadata description = 'Which web pages may upload and play, and that what is deleted is gone. It is deployed after the app, whose address is one of the origins.'

@description('Storage account of the media.')
param mediaStorageName string

@description('Origins of web pages that may upload and play.')
param origins array

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: mediaStorageName
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    cors: {
      corsRules: [
        {
          allowedOrigins: origins
          allowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST']
          allowedHeaders: ['*']
          exposedHeaders: ['*']
          maxAgeInSeconds: 3600
        }
      ]
    }
    // DELETE /Videos/{id} promises that everything goes: nothing may be kept behind its back.
    deleteRetentionPolicy: { enabled: false }
    containerDeleteRetentionPolicy: { enabled: false }
  }
}
