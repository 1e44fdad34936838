"""What is deployed is what the code uses, and lets nobody in who is not meant to."""

import json
import re
from uuid import UUID

import pytest

from connector.domain import layout
from connector.settings import Settings, load
from connector.storage.setup import _rule
from connector.telemetry import MEASURES
from tests.unit.infra.bicep import INFRA, Expression, read
from tests.unit.infra.facts import BUILT_IN, OF_THE_HOST

ROOT = INFRA.parent
APP = INFRA / "app"
CODE = (ROOT / "function_app.py").read_text("utf-8")
HOST = json.loads((ROOT / "host.json").read_text("utf-8"))
FUNCTIONS = set(re.findall(r'function_name\("(\w+)"\)|_poison\(\w+, "(\w+)"\)', CODE))
STORAGE = "Microsoft.Storage/storageAccounts"

HOST_STORAGE = read(APP / "host-storage.bicep")
MEDIA_STORAGE = read(APP / "media-storage.bicep")
FUNCTION = read(APP / "function.bicep")
MAIN = read(INFRA / "main.bicep")


def _constants(suffix):
    return {value for name, value in vars(layout).items() if name.endswith(suffix)}


def _looped(file, kind):
    (resource,) = file.of_type(kind)
    return resource.over


# Storage


def test_every_table_of_the_code_exists():
    assert set(_looped(MEDIA_STORAGE, f"{STORAGE}/tableServices/tables")) == _constants("_TABLE")


def test_every_queue_of_the_code_and_its_poison_queue_exist():
    queues = {queue + suffix for queue in _constants("_QUEUE") for suffix in ("", "-poison")}
    assert set(_looped(MEDIA_STORAGE, f"{STORAGE}/queueServices/queues")) == queues | {"webjobs-blobtrigger-poison"}


def test_the_containers_that_the_code_does_not_make_exist_and_are_private():
    (uploads,) = MEDIA_STORAGE.of_type(f"{STORAGE}/blobServices/containers")
    assert uploads.value["name"] == layout.UPLOADS
    (host,) = HOST_STORAGE.of_type(f"{STORAGE}/blobServices/containers")
    assert host.over == ["packages", "deadletters"]
    assert uploads.value["properties"] == host.value["properties"] == {"publicAccess": "None"}


@pytest.mark.parametrize("file", [HOST_STORAGE, MEDIA_STORAGE], ids=["host", "media"])
def test_storage_is_opened_by_identity_and_over_tls_only(file):
    (account,) = file.of_type(STORAGE)
    properties = account.value["properties"]
    assert properties["allowSharedKeyAccess"] is False
    assert properties["defaultToOAuthAuthentication"] is True
    assert properties["minimumTlsVersion"] == "TLS1_2"
    assert properties["supportsHttpsTrafficOnly"] is True
    assert properties["allowCrossTenantReplication"] is False
    assert properties["networkAcls"]["defaultAction"] == "closed ? 'Deny' : 'Allow'"


def test_only_public_playback_allows_public_containers_and_the_app_is_told_the_same():
    (host,), (media,) = HOST_STORAGE.of_type(STORAGE), MEDIA_STORAGE.of_type(STORAGE)
    assert host.value["properties"]["allowBlobPublicAccess"] is False
    assert media.value["properties"]["allowBlobPublicAccess"] == "playbackAccess == 'public'"
    assert FUNCTION.one("appSettings").value["PLAYBACK_ACCESS"] == "playbackAccess"
    choice = MAIN.one("playbackAccess")
    assert choice.value == "signed"
    for value in choice.decorators["allowed"][0]:
        load({"MEDIA_STORAGE": "x", "PLAYBACK_ACCESS": value})
    for module in ("mediaStorage", "api"):
        assert MAIN.one(module).value["params"]["playbackAccess"] == "playbackAccess"


def test_browsers_are_let_in_as_the_local_stack_lets_them_in():
    (service,) = read(APP / "media-blobs.bicep").of_type(f"{STORAGE}/blobServices")
    (rule,) = service.value["properties"]["cors"]["corsRules"]
    local = _rule(("*",))
    assert rule["allowedOrigins"] == "origins"
    assert rule["allowedMethods"] == local.allowed_methods.split(",")
    assert ",".join(rule["allowedHeaders"]) == local.allowed_headers
    assert ",".join(rule["exposedHeaders"]) == local.exposed_headers
    assert rule["maxAgeInSeconds"] == local.max_age_in_seconds
    for module in ("mediaBlobs", "door"):
        assert MAIN.one(module).value["params"]["origins"] == "api.outputs.origins"


def test_the_site_and_the_app_let_in_the_same_pages_and_by_default_no_other_page():
    assert MAIN.one("corsOrigins").value == ""
    assert MAIN.one("api").value["params"]["otherOrigins"] == "otherOrigins"
    assert _site()["siteConfig"]["cors"] == {"allowedOrigins": "allowedOrigins", "supportCredentials": False}
    assert SETTINGS["CORS_ORIGINS"] == "join(allowedOrigins, ',')"
    assert "['https://${name}.azurewebsites.net']" in FUNCTION.one("allowedOrigins").value
    assert "['https://${app.properties.defaultHostName}']" in FUNCTION.one("origins").value


def test_blobs_and_containers_that_were_deleted_by_mistake_can_be_restored_for_a_week():
    (service,) = read(APP / "media-blobs.bicep").of_type(f"{STORAGE}/blobServices")
    for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        assert service.value["properties"][policy] == "retention"
    assert MAIN.one("softDeleteDays").value == 7
    assert MAIN.one("mediaBlobs").value["params"]["softDeleteDays"] == "softDeleteDays"


def _deletes(file):
    (policy,) = file.of_type(f"{STORAGE}/managementPolicies")
    for rule in policy.value["properties"]["policy"]["rules"]:
        definition = rule["definition"]
        assert list(definition["actions"]) == ["baseBlob"]
        yield from definition["filters"]["prefixMatch"]


def test_age_removes_neither_an_original_nor_the_media_of_a_video():
    someone = UUID(int=1)
    kept = [f"{layout.UPLOADS}/{someone}/a.mp4", f"{layout.output_container(someone)}/{layout.MASTER_PLAYLIST}"]
    kept.append(f"{layout.stills_container(someone)}/{layout.POSTER}")
    prefixes = list(_deletes(MEDIA_STORAGE))
    assert [name for name in kept for prefix in prefixes if name.startswith(prefix)] == []
    assert layout.work_container(someone).startswith(tuple(prefixes))
    assert list(_deletes(HOST_STORAGE)) == ["deadletters/"]


# Who may do what: scope, role, whom, and a word of the reason that stands above it.
ROLES = {
    "hostBlobs": ("host", "blobDataOwner", "appPrincipalId", "leases"),
    "hostQueues": ("host", "queueDataContributor", "appPrincipalId", "azure-webjobs-blobtrigger"),
    "mediaBlobs": ("media", "blobDataContributor", "appPrincipalId", "get_user_delegation_key"),
    "mediaQueues": ("media", "queueDataContributor", "appPrincipalId", "queue triggers"),
    "mediaTables": ("media", "tableDataContributor", "appPrincipalId", "entities"),
    "vaultRead": ("vault", "secretsUser", "appPrincipalId", "get secret"),
    "telemetry": ("insights", "metricsPublisher", "appPrincipalId", "Sending telemetry"),
    "deadLetters": ("host", "blobDataContributor", "topicPrincipalId", "could not deliver"),
    "vaultWrite": ("vault", "secretsOfficer", "deployerId", "hooks/keys.sh"),
}

# Of https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"


def test_roles_are_these_and_no_others():
    roles = read(APP / "roles.bicep")
    assert roles.one("roleIds").value == BUILT_IN
    assert {d.name for d in roles.of_type(ASSIGNMENT)} == set(ROLES)
    others = [path for path in INFRA.rglob("*.bicep") if path.stem != "roles" and read(path).of_type(ASSIGNMENT)]
    assert others == []


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_its_scope_and_its_reason(name):
    scope, role, whom, reason = ROLES[name]
    assignment = read(APP / "roles.bicep").one(name)
    assert assignment.value["scope"] == scope
    assert assignment.value["name"] == f"guid({scope}.id, {whom}, roleIds.{role})"
    properties = assignment.value["properties"]
    assert properties["principalId"] == whom
    assert properties["roleDefinitionId"].endswith(f"roleIds.{role})")
    assert properties.get("principalType") == (None if whom == "deployerId" else "ServicePrincipal")
    assert reason in assignment.comment


def test_the_calls_that_a_role_is_for_are_in_the_code():
    blobs = "".join(path.read_text("utf-8") for path in (ROOT / "connector" / "storage").glob("*.py"))
    comment = read(APP / "roles.bicep").one("mediaBlobs").comment
    calls = set(re.findall(r"\b(?:create|delete|upload|stage|download|get)_[a-z_]+\b", comment))
    assert len(calls) >= 7
    assert [call for call in sorted(calls) if f".{call}" not in blobs] == []


# Keys and telemetry


def test_the_vault_keeps_what_it_holds():
    (vault,) = read(APP / "vault.bicep").of_type("Microsoft.KeyVault/vaults")
    properties = vault.value["properties"]
    assert properties["enableRbacAuthorization"] is True
    assert properties["enableSoftDelete"] is True
    assert properties["enablePurgeProtection"] is True
    assert properties["softDeleteRetentionInDays"] == 90
    assert properties["networkAcls"]["defaultAction"] == "closed ? 'Deny' : 'Allow'"


def test_telemetry_is_taken_from_known_senders_only():
    monitoring = read(APP / "monitoring.bicep")
    (insights,) = monitoring.of_type("Microsoft.Insights/components")
    (workspace,) = monitoring.of_type("Microsoft.OperationalInsights/workspaces")
    assert insights.value["properties"]["DisableLocalAuth"] is True
    assert workspace.value["properties"]["features"]["disableLocalAuth"] is True


def test_alerts_ask_for_functions_and_measures_that_exist():
    rules = {rule["name"]: rule["query"] for rule in read(APP / "alerts.bicep").one("rules").value}
    assert set(rules) == {"poison", "failed", "waiting", "orphans"}
    names = {name for pair in FUNCTIONS for name in pair if name} | set(MEASURES)
    for name, query in rules.items():
        asked = set(re.findall(r'"([\w.]+)"', query))
        assert asked, name
        assert asked <= names, name
        assert "Value = " in query


# The app


def _site():
    (site,) = FUNCTION.of_type("Microsoft.Web/sites")
    return site.value["properties"]


SETTINGS = FUNCTION.one("appSettings").value

# Read by the Functions host and its Python worker, not by settings.py; each with its reason.


def _variables():
    return {field.alias or name.upper(): field for name, field in Settings.model_fields.items()}


def test_what_is_set_is_read_and_what_is_not_set_has_a_default():
    assert set(SETTINGS) - set(_variables()) == set(OF_THE_HOST)
    assert [name for name, field in _variables().items() if field.is_required() and name not in SETTINGS] == []
    # By identity only.
    assert "MEDIA_STORAGE" not in SETTINGS
    assert "AzureWebJobsStorage" not in SETTINGS


def test_every_other_setting_can_be_set_and_none_of_these_overridden():
    assert _site()["siteConfig"]["appSettings"].startswith("map(items(union(extraSettings, appSettings)), setting => {")
    assert MAIN.one("api").value["params"]["extraSettings"] == "extraSettings"


def test_the_app_starts_with_the_settings():
    key = "20250101:" + "A" * 43 + "="
    values = {
        "media.properties.primaryEndpoints.blob": "https://account.blob.example/",
        "media.properties.primaryEndpoints.table": "https://account.table.example/",
        "identity.properties.clientId": str(UUID(int=1)),
        "string(instanceMemory / 2048)": "1",
        "string(instanceMemory)": "2048",
        "join(allowedOrigins, ',')": "https://func-token.azurewebsites.net,https://www.example.com",
    } | {d.name: str(d.value) for d in MAIN.all("param")}
    known = {name: values.get(value, value) for name, value in SETTINGS.items() if name not in OF_THE_HOST}
    settings = load(known | {"MASTER_KEYS": key, "SIGNING_KEYS": key})
    assert settings.auth_mode == "keys"
    assert settings.playback_access == "signed"
    assert settings.storage_credential == "managedidentity"


def test_both_storage_connections_are_identities():
    assert re.search(r'^STORAGE = "MEDIA_STORAGE"$', CODE, re.MULTILINE)
    for connection in ("AzureWebJobsStorage", "MEDIA_STORAGE"):
        assert SETTINGS[f"{connection}__credential"] == "managedidentity"
        assert SETTINGS[f"{connection}__clientId"] == "identity.properties.clientId"
    for service in ("blob", "queue", "table"):
        assert SETTINGS[f"MEDIA_STORAGE__{service}ServiceUri"] == f"media.properties.primaryEndpoints.{service}"
    assert "Authorization=AAD" in SETTINGS["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]


@pytest.mark.parametrize(("name", "secret"), [("MASTER_KEYS", "master-keys"), ("SIGNING_KEYS", "signing-keys")])
def test_keys_are_references_into_the_vault_that_the_hook_fills(name, secret):
    assert SETTINGS[name] == f"@Microsoft.KeyVault(SecretUri=${{vault.properties.vaultUri}}secrets/{secret})"
    assert isinstance(SETTINGS[name], Expression)
    assert _site()["keyVaultReferenceIdentity"] == "identity.id"
    for hook in ("keys.sh", "keys.ps1"):
        assert secret in (INFRA / "hooks" / hook).read_text("utf-8")


def test_who_calls_the_api_can_be_chosen_but_not_nobody():
    modes = MAIN.one("authMode").decorators["allowed"][0]
    assert modes == ["keys", "entra"]
    for mode in modes:
        load({"MEDIA_STORAGE": "x", "AUTH_MODE": mode})


def test_the_app_runs_on_flex_consumption_by_https_only():
    (plan,) = FUNCTION.of_type("Microsoft.Web/serverfarms")
    assert plan.value["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    site = _site()
    assert site["httpsOnly"] is True
    assert site["siteConfig"]["minTlsVersion"] == "1.2"
    config = site["functionAppConfig"]
    assert config["runtime"] == {"name": "python", "version": "3.11"}
    storage = config["deployment"]["storage"]
    assert storage["authentication"]["type"] == "UserAssignedIdentity"
    assert storage["value"].endswith("blob}packages")
    publishing = FUNCTION.of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {p.value["name"]: p.value["properties"] for p in publishing} == {
        "ftp": {"allow": False},
        "scm": {"allow": False},
    }


def test_the_app_can_be_held_to_one_instance():
    assert MAIN.one("maximumInstances").decorators["minValue"] == [1]


def test_azd_offers_regions_with_flex_consumption_only():
    """Without the list azd offers every region, and the deployment fails after minutes."""
    location = MAIN.one("location").decorators
    assert location["metadata"] == [{"azd": {"type": "location"}}]
    (regions,) = location["allowed"]
    assert "westeurope" in regions
    assert "switzerlandwest" not in regions
    assert regions == sorted(set(regions))


# Scale: the measured numbers that the choice rests on are in infra/README.md.
PEAK_MIB = 1629
"""Of a worker with its children while it encodes 4K."""


def test_one_task_has_an_instance_for_itself_and_fits_into_the_smallest():
    queues = HOST["extensions"]["queues"]
    assert (queues["batchSize"], queues["newBatchThreshold"]) == (1, 0)
    sizes = MAIN.one("instanceMemory").decorators["allowed"][0]
    # A fifth is left for the host and the system.
    assert min(sizes) * 0.8 >= PEAK_MIB
    assert MAIN.one("instanceMemory").value == min(sizes)
    assert str(PEAK_MIB) in (INFRA / "README.md").read_text("utf-8")


def test_a_task_uses_the_cores_that_its_instance_has():
    assert SETTINGS["ENCODER_THREADS"] == "string(instanceMemory / 2048)"
    assert Settings.model_fields["encoder_threads"].default == 2048 // 2048


def test_estimates_count_with_the_memory_that_is_paid_for():
    assert SETTINGS["INSTANCE_MEMORY_MB"] == "string(instanceMemory)"
    assert Settings.model_fields["instance_memory_mb"].default == MAIN.one("instanceMemory").value


def test_an_instance_has_a_thread_for_each_call_that_it_is_given():
    scale = _site()["functionAppConfig"]["scaleAndConcurrency"]
    assert scale["triggers"] == {"http": {"perInstanceConcurrency": "httpConcurrency"}}
    assert SETTINGS["PYTHON_THREADPOOL_THREAD_COUNT"] == "string(httpConcurrency)"
    assert (scale["instanceMemoryMB"], scale["maximumInstanceCount"]) == ("instanceMemory", "maximumInstances")


def test_a_task_ends_by_itself_before_the_host_ends_it():
    hours, minutes, seconds = map(int, HOST["functionTimeout"].split(":"))
    longest = max(Settings.model_fields[f"{name}_timeout_seconds"].default for name in ("task", "stream"))
    assert longest < hours * 3600 + minutes * 60 + seconds


def test_nothing_is_paid_for_while_nothing_is_asked_for():
    off = {
        "alwaysReady": 0,
        "blobAlwaysReady": 0,
        "privateNetworking": False,
        "privateMedia": False,
        "frontDoor": False,
    }
    off |= {"alertEmail": "", "monthlyBudget": 0}
    assert {name: MAIN.one(name).value for name in off} == off
    assert {d.name for d in MAIN.all("module") if d.condition} == {"network", "alerts", "budget", "door"}


# Events


def test_the_app_is_told_of_finished_uploads_and_of_nothing_else():
    file = read(INFRA / "upload-events.bicep")
    (subscription,) = file.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    properties = subscription.value["properties"]
    assert properties["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    assert properties["filter"]["subjectBeginsWith"] == f"/blobServices/default/containers/{layout.UPLOADS}/"
    (by_call,) = properties["filter"]["advancedFilters"]
    assert by_call["values"] == ["PutBlob", "PutBlockList", "CopyBlob"]
    endpoint = properties["destination"]["properties"]["endpointUrl"]
    (function,) = re.findall(r"functionName=Host\.Functions\.(\w+)&", endpoint)
    assert re.search(rf'function_name\("{function}"\)\n@app.blob_trigger', CODE)
    assert properties["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
    dead = properties["deadLetterWithResourceIdentity"]
    assert dead["identity"] == {"type": "SystemAssigned"}
    assert dead["deadLetterDestination"]["properties"] == {"resourceId": "host.id", "blobContainerName": "deadletters"}


def test_the_topic_has_the_identity_that_writes_dead_letters():
    (topic,) = read(APP / "events.bicep").of_type("Microsoft.EventGrid/systemTopics")
    assert topic.value["identity"] == {"type": "SystemAssigned"}
    assert topic.value["properties"]["topicType"] == "Microsoft.Storage.StorageAccounts"


# Network


def test_everything_that_can_be_closed_has_a_private_way_in():
    targets = read(APP / "network.bicep").one("targets").value
    reached = {(t["id"].removesuffix(".id"), t["service"]) for t in targets}
    assert reached == {
        *(("host", s) for s in ("blob", "queue")),
        *(("media", s) for s in ("blob", "queue", "table")),
        ("vault", "vault"),
    }
    services, zones = (
        read(APP / "network.bicep").one("services").value,
        read(APP / "network.bicep").one("zoneNames").value,
    )
    assert len(services) == len(zones)
    for service, zone in zip(services, zones, strict=True):
        assert zone.startswith(f"privatelink.{service}")
    assert MAIN.one("mediaClosed").value == "privateNetworking && privateMedia"


DOOR = read(APP / "front-door.bicep")


def _route():
    (route,) = DOOR.of_type("Microsoft.Cdn/profiles/afdEndpoints/routes")
    return route.value["properties"]


def test_front_door_serves_public_media_only():
    assert MAIN.one("door").condition == "(frontDoor && playbackAccess == 'public' && !mediaClosed)"
    assert _route()["supportedProtocols"] == ["Https"]
    # Containers that are not public are reached by a signed URL: its copy in the cache is for its holder alone.
    assert _route()["cacheConfiguration"] == {"queryStringCachingBehavior": "UseQueryString"}


def test_a_wildcard_of_front_door_follows_a_slash_and_ends_the_pattern():
    for pattern in _route()["patternsToMatch"]:
        assert "*" not in pattern.removesuffix("/*")


def test_rules_of_front_door_are_numbered_from_one():
    """Microsoft's description of `order`: a rule with order 0 is special, and is applied whatever its conditions."""
    (rule,) = DOOR.of_type("Microsoft.Cdn/profiles/ruleSets/rules")
    order = rule.value["properties"]["order"]
    assert re.fullmatch(r"[1-9]\d*|\w+ \+ [1-9]\d*", str(order)), order
