metadata description = 'Says that a blob was created. Who listens is in ../upload-events.bicep: it needs the deployed app.'

@description('Name of the topic.')
param name string

@description('Region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Storage account whose events it tells.')
param mediaStorageName string

resource media 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: mediaStorageName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  // Writes events that could not be delivered into host storage.
  identity: { type: 'SystemAssigned' }
  properties: {
    source: media.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

@description('Name of the topic.')
output name string = topic.name

@description('Whom the role for dead letters is given to.')
output principalId string = topic.identity.principalId
