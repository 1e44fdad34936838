metadata description = 'Mail when something is wrong. Storage has no metric for what is in a queue, so the rules ask what the host and the app tell: the functions that ran, and the measures of connector/telemetry.py.'

@description('What the names end with.')
param name string

@description('Region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Workspace with the log.')
param workspaceName string

@description('Who is told.')
param email string

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'video'
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

var rules = [
  {
    name: 'poison'
    description: 'A message was delivered five times in vain. Its video is FAILED or waits for the timer. The log says why.'
    severity: 1
    window: 'PT15M'
    threshold: 0
    query: '''
AppRequests
| where Name in ("AdvancePoison", "EncodePoison")
| summarize Value = count()
'''
  }
  {
    name: 'failed'
    description: 'More than a fifth of the videos of an hour failed, of at least five. By code: measure video.failed.'
    severity: 2
    window: 'PT1H'
    threshold: 20
    query: '''
AppMetrics
| where Name in ("video.failed", "video.time_to_ready")
| summarize Failed = sumif(ItemCount, Name == "video.failed"), Videos = sum(ItemCount)
| where Videos >= 5
| extend Value = 100.0 * Failed / Videos
'''
  }
  {
    name: 'waiting'
    description: 'A message waited for more than half an hour: maximumInstances is too small, or a quota is reached.'
    severity: 3
    window: 'PT15M'
    threshold: 1800
    query: '''
AppMetrics
| where Name == "queue.age"
| summarize Value = max(Max)
'''
  }
  {
    name: 'orphans'
    description: 'Something is stored for videos whose rows are missing although they were not deleted: the table Videos was restored or replaced. It is removed a week after it was first seen. More than a few at once are never removed.'
    severity: 1
    window: 'PT15M'
    threshold: 0
    query: '''
AppMetrics
| where Name == "orphans.found"
| summarize Value = max(Max)
'''
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: '${rule.name}-${name}'
  location: location
  tags: tags
  properties: {
    displayName: 'Video connector: ${rule.name}'
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [workspace.id]
    evaluationFrequency: 'PT15M'
    windowSize: rule.window
    // The tables come into being with the first line of the log.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: rule.query
          metricMeasureColumn: 'Value'
          timeAggregation: 'Maximum'
          operator: 'GreaterThan'
          threshold: rule.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: {
      actionGroups: [people.id]
    }
  }
}]
