metadata description = 'Where logs, traces and metrics go: paid for by what is sent, thirty days kept.'

@description('What the names end with.')
param name string

@description('Region.')
param location string

@description('Tags of the resources.')
param tags object

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
    // A defect that floods the log must not become a bill.
    workspaceCapping: { dailyQuotaGb: 1 }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

@description('Name of the workspace.')
output workspaceName string = workspace.name

@description('Name of the Application Insights component.')
output insightsName string = insights.name
