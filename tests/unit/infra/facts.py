"""What the templates may rely on: ids of built-in roles, and the settings that the Functions host reads."""

BUILT_IN = {
    "blobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "blobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "queueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "tableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "secretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "secretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "metricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}

OF_THE_HOST = {
    "AzureWebJobsStorage__accountName": "leases, function keys, blob events and the package are in this account",
    "AzureWebJobsStorage__credential": "the account has no shared key",
    "AzureWebJobsStorage__clientId": "which identity opens it",
    "AzureWebJobsDisableHomepage": "without it / answers a page of the host, to everybody",
    "MEDIA_STORAGE__queueServiceUri": "the app's queues, and the poison queue of blob events",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "telemetry is sent by identity; the exporter reads it too",
    "PYTHON_THREADPOOL_THREAD_COUNT": "a thread for each call; the default is 1000",
}
