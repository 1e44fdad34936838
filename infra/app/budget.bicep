metadata description = 'Says when the month becomes expensive. It stops nothing: maximumInstances does.'

@description('Amount per month, in the currency of the subscription; at least 1.')
param amount int

@description('Who is told.')
param email string

@description('First day of the first month. Azure refuses another one for a budget that exists.')
param start string

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: 'video-connector'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: start }
    notifications: {
      half: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 50
        thresholdType: 'Actual'
        contactEmails: [email]
      }
      expected: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: [email]
      }
      spent: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: [email]
      }
    }
  }
}
