metadata description = 'Which web pages may upload and play, and for how long what is deleted can be restored. It is deployed after the app, whose address is one of the origins.'

@description('Storage account of the media.')
param mediaStorageName string

@description('Origins of web pages that may upload and play.')
param origins array

@description('Days for which deleted blobs and containers can be restored. 0: they are gone at once.')
param softDeleteDays int

var retention = softDeleteDays > 0 ? { enabled: true, days: softDeleteDays } : { enabled: false }

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
    // DELETE /Videos/{id} removes everything, and nobody can play or download it any more. After these days it is gone.
    // The keys of a protected video are gone at once, because they are in a table.
    deleteRetentionPolicy: retention
    containerDeleteRetentionPolicy: retention
  }
}
