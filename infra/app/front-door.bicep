metadata description = 'Azure Front Door before the public media: caches near the viewers, one address.'

@description('What the names end with.')
param name string

@description('Tags of the resources.')
param tags object

@description('Storage account of the media.')
param mediaStorageName string

@description('Origins of web pages that may play.')
param origins array

resource media 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: mediaStorageName
}

var mediaHost = split(media.properties.primaryEndpoints.blob, '/')[2]

resource profile 'Microsoft.Cdn/profiles@2024-02-01' = {
  name: 'afd-${name}'
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2024-02-01' = {
  parent: profile
  name: 'media-${name}'
  location: 'global'
  tags: tags
  properties: { enabledState: 'Enabled' }
}

resource originGroup 'Microsoft.Cdn/profiles/originGroups@2024-02-01' = {
  parent: profile
  name: 'media'
  properties: {
    // There is one origin, so nothing to choose by probing it.
    loadBalancingSettings: {
      sampleSize: 4
      successfulSamplesRequired: 3
    }
  }
}

resource origin 'Microsoft.Cdn/profiles/originGroups/origins@2024-02-01' = {
  parent: originGroup
  name: 'blob'
  properties: {
    hostName: mediaHost
    originHostHeader: mediaHost
    enforceCertificateNameCheck: true
    enabledState: 'Enabled'
  }
}

// A cached answer has the CORS header of whoever asked first, or none: it is set here for each who asks.
resource ruleSet 'Microsoft.Cdn/profiles/ruleSets@2024-02-01' = {
  parent: profile
  name: 'cors'
}

resource rules 'Microsoft.Cdn/profiles/ruleSets/rules@2024-02-01' = [for (allowed, index) in origins: {
  parent: ruleSet
  name: 'origin${index}'
  properties: {
    // Order 0 would be special: such a rule ignores its conditions.
    order: index + 1
    conditions: allowed == '*' ? [] : [
      {
        name: 'RequestHeader'
        parameters: {
          typeName: 'DeliveryRuleRequestHeaderConditionParameters'
          selector: 'Origin'
          operator: 'Equal'
          matchValues: [allowed]
        }
      }
    ]
    actions: [
      {
        name: 'ModifyResponseHeader'
        parameters: {
          typeName: 'DeliveryRuleHeaderActionParameters'
          headerAction: 'Overwrite'
          headerName: 'Access-Control-Allow-Origin'
          value: allowed
        }
      }
    ]
  }
}]

resource route 'Microsoft.Cdn/profiles/afdEndpoints/routes@2024-02-01' = {
  parent: endpoint
  name: 'media'
  properties: {
    originGroup: { id: originGroup.id }
    ruleSets: [{ id: ruleSet.id }]
    // A wildcard must follow a slash, so `/video-*` cannot be said. Containers that are not public answer signed URLs only.
    patternsToMatch: ['/*']
    supportedProtocols: ['Https']
    forwardingProtocol: 'HttpsOnly'
    httpsRedirect: 'Disabled'
    linkToDefaultDomain: 'Enabled'
    // How long is said by Cache-Control, which the app stores with every blob.
    // The query is part of the cache's key: a copy that was read by a signed URL must not be given to anybody else.
    cacheConfiguration: { queryStringCachingBehavior: 'UseQueryString' }
  }
  // The route names the group, and is refused while there is no origin in it.
  dependsOn: [origin]
}

@description('Where the media can be played from.')
output url string = 'https://${endpoint.properties.hostName}'
