metadata description = 'Who the app is. User-assigned, so that its roles exist before the app does and outlive it.'

@description('Name of the identity.')
param name string

@description('Region.')
param location string

@description('Tags of the resources.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

@description('Name of the identity.')
output name string = identity.name

@description('Whom roles are given to.')
output principalId string = identity.properties.principalId
