metadata description = 'Who may do what. Each assignment names the calls that need it; tests/unit/infra holds the list.'

@description('Storage account of the host.')
param hostStorageName string

@description('Storage account of the media.')
param mediaStorageName string

@description('Vault with the keys.')
param vaultName string

@description('Application Insights component.')
param insightsName string

@description('The identity of the app.')
param appPrincipalId string

@description('The identity of the Event Grid topic.')
param topicPrincipalId string

@description('Whoever runs this deployment.')
param deployerId string

var roleIds = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  secretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
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

// The Functions host: creates its containers, takes blob leases (timer, singletons), keeps function keys and receipts of
// blob events, reads the deployment package. Owner is what the host is documented to need.
resource hostBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, appPrincipalId, roleIds.blobDataOwner)
  scope: host
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.blobDataOwner)
  }
}

// The blob trigger: every event first goes through a queue of its own in host storage, azure-webjobs-blobtrigger-*,
// which the host creates. (Storage Account Contributor, often given too, is for the trigger that scans logs.)
resource hostQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, appPrincipalId, roleIds.queueDataContributor)
  scope: host
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.queueDataContributor)
  }
}

// storage/blobs.py: create_container (with public access, if playback is public), delete_container, upload_blob,
// stage_block, download_blob, create_snapshot, break_lease, delete_blob; storage/delegation.py:
// get_user_delegation_key, which this role includes, so that Storage Blob Delegator is not needed beside it. On the account, because each video has containers of its own.
// Owner would add ownership, ACLs and immutability policies, which nothing here uses.
resource mediaBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(media.id, appPrincipalId, roleIds.blobDataContributor)
  scope: media
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.blobDataContributor)
  }
}

// The queue triggers (get, update, delete message, and putting poison messages) and the queue outputs of function_app.py.
resource mediaQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(media.id, appPrincipalId, roleIds.queueDataContributor)
  scope: media
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.queueDataContributor)
  }
}

// storage/videos.py, tasks.py, keys.py: get, query, upsert, update, delete entities and transactions.
resource mediaTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(media.id, appPrincipalId, roleIds.tableDataContributor)
  scope: media
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.tableDataContributor)
  }
}

// The platform reads MASTER_KEYS and SIGNING_KEYS (get secret) in the app's name. The vault holds nothing else.
resource vaultRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, appPrincipalId, roleIds.secretsUser)
  scope: vault
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.secretsUser)
  }
}

// Sending telemetry: local authentication, by the key in the connection string, is switched off.
resource telemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, appPrincipalId, roleIds.metricsPublisher)
  scope: insights
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.metricsPublisher)
  }
}

// Event Grid: writes events that it could not deliver. On the account, as its documentation says: whether the container
// alone would do is not known, and a refused subscription would leave every upload unreported. Event Grid alone acts by
// this identity, and chooses the names that it writes.
resource deadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, topicPrincipalId, roleIds.blobDataContributor)
  scope: host
  properties: {
    principalId: topicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.blobDataContributor)
  }
}

// hooks/keys.sh: lists the secrets, and sets those that are not there. A person or a pipeline, so without a principalType.
resource vaultWrite 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, deployerId, roleIds.secretsOfficer)
  scope: vault
  properties: {
    principalId: deployerId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.secretsOfficer)
  }
}
