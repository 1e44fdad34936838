"""What the real compiler makes of the templates, and what a deployment of that creates.

The compiler is the program that the variable BICEP names, or `bicep` on PATH.
"""

import json
import os
import re
import shutil
import subprocess
from functools import cache

import pytest

from connector.bootstrap import configured, require_callers, require_keys
from connector.domain import layout
from connector.settings import Settings, variable
from connector.storage.setup import _rule
from tests.unit.infra.arm import Deployment, deploy
from tests.unit.infra.bicep import INFRA
from tests.unit.infra.facts import BUILT_IN, OF_THE_HOST

COMPILER = os.environ.get("BICEP") or shutil.which("bicep")
TEMPLATES = ("main.bicep", "upload-events.bicep")
STORAGE = "Microsoft.Storage/storageAccounts"
OWN = "https://func.a1b2.westeurope-01.azurewebsites.net"

pytestmark = pytest.mark.skipif(
    COMPILER is None, reason="needs the Bicep compiler: on PATH as bicep, or named by the variable BICEP"
)


@cache
def _bicep(command, template):
    """Standard output and standard error of the compiler."""
    output = ["--stdout"] if command == "build" else []
    # Without profiling itself the compiler needs a quarter less: it runs once, for seconds.
    environment = os.environ | {"DOTNET_TieredPGO": "0"}
    line = [COMPILER, command, INFRA / template, *output]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout, done.stderr


def _compiled(template):
    return json.loads(_bicep("build", template)[0])


def _azd(environment):
    """The parameters that azd makes of its environment and main.parameters.json."""
    types = {name: p["type"] for name, p in _compiled("main.bicep")["parameters"].items()}
    given = {}
    for name, entry in json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"].items():
        value = entry["value"]
        if isinstance(value, str):
            wanted, _, default = value.removeprefix("${").removesuffix("}").partition("=")
            value = environment.get(wanted, default)
        convert = {"int": int, "bool": lambda text: text == "true"}.get(types[name], lambda same: same)
        given[name] = convert(value)
    return given


def _facts(resource):
    """What Azure says of a resource beside what was declared."""
    name = resource.name
    endpoints = {service: f"https://{name}.{service}.core.windows.net/" for service in ("blob", "queue", "table")}
    return {
        STORAGE: {"properties": {"primaryEndpoints": endpoints}},
        "Microsoft.ManagedIdentity/userAssignedIdentities": {"properties": {"clientId": "c", "principalId": "app"}},
        "Microsoft.EventGrid/systemTopics": {"identity": {"principalId": "topic"}},
        "Microsoft.KeyVault/vaults": {"properties": {"vaultUri": "https://kv.vault.azure.net/"}},
        "Microsoft.Insights/components": {"properties": {"ConnectionString": "InstrumentationKey=1"}},
        "Microsoft.Web/sites": {"properties": {"defaultHostName": OWN.removeprefix("https://")}},
        "Microsoft.Cdn/profiles/afdEndpoints": {"properties": {"hostName": "media.azurefd.net"}},
    }.get(resource.type, {})


def _deployed(extra=None, **environment):
    named = {"AZURE_ENV_NAME": "video", "AZURE_LOCATION": "westeurope"}
    given = _azd(named | environment) | ({"extraSettings": extra} if extra else {})
    return deploy(_compiled("main.bicep"), given, _facts)


def _site(cloud):
    return cloud.one("Microsoft.Web/sites").body["properties"]


def _settings(cloud):
    listed = _site(cloud)["siteConfig"]["appSettings"]
    found = {entry["name"]: entry["value"] for entry in listed}
    assert len(found) == len(listed)
    return found


def _storage(cloud, purpose):
    (found,) = [r for r in cloud.of_type(STORAGE) if r.name.startswith(f"st{purpose}")]
    return found.body["properties"]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("command", ["build", "lint"])
def test_the_compiler_and_its_linter_have_no_complaint(command, template):
    assert _bicep(command, template)[1] == ""


@pytest.mark.parametrize(
    ("days", "policy"),
    [
        (None, {"enabled": True, "days": 7}),
        ("1", {"enabled": True, "days": 1}),
        ("365", {"enabled": True, "days": 365}),
        ("0", {"enabled": False}),
    ],
)
def test_what_is_deleted_can_be_restored_for_as_long_as_is_wanted(days, policy):
    cloud = _deployed(**({} if days is None else {"SOFT_DELETE_DAYS": days}))
    (service,) = [r for r in cloud.of_type(f"{STORAGE}/blobServices") if "/stmedia" in r.id]
    properties = service.body["properties"]
    assert properties["deleteRetentionPolicy"] == properties["containerDeleteRetentionPolicy"] == policy


# Who may do what: scope, role, principal, type of the principal.
ROLES = {
    ("sthost", "blobDataOwner", "app", "ServicePrincipal"),
    ("sthost", "queueDataContributor", "app", "ServicePrincipal"),
    ("sthost", "blobDataContributor", "topic", "ServicePrincipal"),
    ("stmedia", "blobDataContributor", "app", "ServicePrincipal"),
    ("stmedia", "queueDataContributor", "app", "ServicePrincipal"),
    ("stmedia", "tableDataContributor", "app", "ServicePrincipal"),
    ("kv-", "secretsUser", "app", "ServicePrincipal"),
    ("kv-", "secretsOfficer", "deployer", None),
    ("appi-", "metricsPublisher", "app", "ServicePrincipal"),
}


def test_each_identity_has_its_roles_and_no_others():
    cloud = _deployed()
    names = {role: name for name, role in BUILT_IN.items()}
    found = []
    for assignment in cloud.of_type("Microsoft.Authorization/roleAssignments"):
        properties = assignment.body["properties"]
        scope = re.match("sthost|stmedia|[a-z]+-", cloud.resources[assignment.scope].name)[0]
        role = names[properties["roleDefinitionId"].rpartition("/")[2]]
        found.append((scope, role, properties["principalId"], properties.get("principalType")))
    assert sorted(found, key=str) == sorted(ROLES, key=str)


@pytest.mark.parametrize(
    ("setting", "others"),
    [
        ("", []),
        ("https://a.example", ["https://a.example"]),
        (" https://a.example ,,https://b.example, ", ["https://a.example", "https://b.example"]),
    ],
)
def test_the_apps_own_pages_and_the_named_ones_are_let_in(setting, others):
    cloud = _deployed(CORS_ORIGINS=setting)
    site = cloud.one("Microsoft.Web/sites")
    allowed = [f"https://{site.name}.azurewebsites.net", *others]
    assert _site(cloud)["siteConfig"]["cors"] == {"allowedOrigins": allowed, "supportCredentials": False}
    assert configured(_environ(cloud)).cors_origins == tuple(allowed)
    (service,) = [r for r in cloud.of_type(f"{STORAGE}/blobServices") if "/stmedia" in r.id]
    (rule,) = service.body["properties"]["cors"]["corsRules"]
    local = _rule(("*",))
    assert rule == {
        # The account is told the address that Azure gave the app.
        "allowedOrigins": [OWN, *others],
        "allowedMethods": local.allowed_methods.split(","),
        "allowedHeaders": [local.allowed_headers],
        "exposedHeaders": [local.exposed_headers],
        "maxAgeInSeconds": local.max_age_in_seconds,
    }


@pytest.mark.parametrize("setting", ["*", "https://a.example,*"])
def test_a_star_lets_every_page_in_and_stands_alone(setting):
    cloud = _deployed(CORS_ORIGINS=setting, PLAYBACK_ACCESS="public", FRONT_DOOR="true")
    assert _site(cloud)["siteConfig"]["cors"] == {"allowedOrigins": ["*"], "supportCredentials": False}
    assert _settings(cloud)["CORS_ORIGINS"] == "*"
    (service,) = [r for r in cloud.of_type(f"{STORAGE}/blobServices") if "/stmedia" in r.id]
    (rule,) = service.body["properties"]["cors"]["corsRules"]
    assert rule["allowedOrigins"] == ["*"]
    rule = cloud.one("Microsoft.Cdn/profiles/ruleSets/rules").body["properties"]
    assert (rule["order"], rule["conditions"], rule["actions"][0]["parameters"]["value"]) == (1, [], "*")


def test_no_key_and_no_password_opens_anything():
    cloud = _deployed()
    accounts = cloud.of_type(STORAGE)
    assert len(accounts) == 2
    assert {a.body["properties"]["allowSharedKeyAccess"] for a in accounts} == {False}
    policies = cloud.of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    ways = {p.name.rpartition("/")[2]: p.body["properties"] for p in policies}
    assert ways == {"ftp": {"allow": False}, "scm": {"allow": False}}
    assert cloud.one("Microsoft.Insights/components").body["properties"]["DisableLocalAuth"] is True
    assert cloud.one("Microsoft.KeyVault/vaults").body["properties"]["enableRbacAuthorization"] is True


@pytest.mark.parametrize("mode", ["signed", "public"])
def test_a_container_can_be_public_in_the_media_account_in_mode_public_only(mode):
    cloud = _deployed(PLAYBACK_ACCESS=mode)
    assert _storage(cloud, "host")["allowBlobPublicAccess"] is False
    assert _storage(cloud, "media")["allowBlobPublicAccess"] is (mode == "public")
    assert configured(_environ(cloud)).playback_access == mode
    containers = cloud.of_type(f"{STORAGE}/blobServices/containers")
    assert {c.name.rpartition("/")[2] for c in containers} == {"packages", "deadletters", layout.UPLOADS}
    assert {c.body["properties"]["publicAccess"] for c in containers} == {"None"}


def _environ(cloud):
    """The app's environment: its settings with the vault's references replaced, and what the platform adds."""
    key = "20250101:" + "A" * 43 + "="
    found = {n: key if v.startswith("@Microsoft.KeyVault(") else v for n, v in _settings(cloud).items()}
    return found | {"WEBSITE_HOSTNAME": OWN.removeprefix("https://"), "WEBSITE_INSTANCE_ID": "1"}


ENTRA = {
    "AUTH_MODE": "entra",
    "ENTRA_ISSUER": "https://issuer.example/v2.0",
    "ENTRA_AUDIENCE": "api",
    "ENTRA_JWKS": "https://issuer.example/keys",
}


@pytest.mark.parametrize("chosen", [{}, ENTRA], ids=["keys", "entra"])
def test_the_app_starts_with_its_settings(chosen):
    environ = _environ(_deployed(**chosen))
    require_keys(environ)
    require_callers(environ)
    settings = configured(environ)
    assert settings.auth_mode == chosen.get("AUTH_MODE", "keys")
    assert settings.entra_jwks == chosen.get("ENTRA_JWKS", "")
    assert settings.storage_blob_uri.startswith("https://stmedia")
    assert (settings.storage_credential, settings.storage) == ("managedidentity", "")
    assert (settings.telemetry, settings.prepare_storage) == ("azure", False)


def test_a_setting_is_read_by_the_app_or_by_the_host():
    read = {variable(name) for name in Settings.model_fields}
    assert set(_settings(_deployed())) - read == set(OF_THE_HOST)
    # Settings are read in one place: what the code reads beside it comes from the platform.
    code = [INFRA.parent / "function_app.py", *(INFRA.parent / "connector").rglob("*.py")]
    asked = {n for file in code for n in re.findall(r'environ(?:\.get\(|\[)"(\w+)"', file.read_text("utf-8"))}
    assert "WEBSITE_HOSTNAME" in asked
    assert asked <= {"WEBSITE_HOSTNAME", "WEBSITE_INSTANCE_ID"}


def test_other_settings_can_be_added_and_the_templates_own_cannot_be_changed():
    settings = _settings(_deployed(extra={"MAX_RESOLUTION": "1080", "PLAYBACK_ACCESS": "public", "TELEMETRY": ""}))
    assert settings["MAX_RESOLUTION"] == "1080"
    assert (settings["PLAYBACK_ACCESS"], settings["TELEMETRY"]) == ("signed", "azure")


def test_the_host_shows_no_page_of_its_own():
    assert _settings(_deployed())["AzureWebJobsDisableHomepage"] == "true"


def test_instances_are_kept_running_for_the_groups_that_are_named():
    def groups(**environment):
        return _site(_deployed(**environment))["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]

    assert groups() == []
    assert groups(BLOB_ALWAYS_READY="1") == [{"name": "blob", "instanceCount": 1}]
    both = [{"name": "http", "instanceCount": 2}, {"name": "blob", "instanceCount": 1}]
    assert groups(ALWAYS_READY="2", BLOB_ALWAYS_READY="1") == both


def test_what_azd_asks_and_what_it_refuses():
    parameters = _compiled("main.bicep")["parameters"]
    assert parameters["location"]["metadata"]["azd"] == {"type": "location"}
    assert "westeurope" in parameters["location"]["allowedValues"]
    assert parameters["maximumInstances"]["minValue"] == 1
    assert (
        _site(_deployed(MAXIMUM_INSTANCES="1"))["functionAppConfig"]["scaleAndConcurrency"]["maximumInstanceCount"] == 1
    )


def test_a_budget_starts_when_it_is_told_to():
    assert _deployed(MONTHLY_BUDGET="50").of_type("Microsoft.Consumption/budgets") == []
    cloud = _deployed(MONTHLY_BUDGET="50", ALERT_EMAIL="a@b.example", BUDGET_START="2026-03-01")
    properties = cloud.one("Microsoft.Consumption/budgets").body["properties"]
    assert (properties["amount"], properties["timePeriod"]) == (50, {"startDate": "2026-03-01"})


def test_nothing_that_costs_by_the_month_comes_unasked():
    kinds = {r.type for r in _deployed().resources.values()}
    assert [k for k in kinds if k.startswith(("Microsoft.Cdn/", "Microsoft.Network/", "Microsoft.Consumption/"))] == []
    assert "Microsoft.Insights/scheduledQueryRules" not in kinds


@pytest.mark.parametrize(
    ("environment", "closed"),
    [
        ({}, set()),
        ({"PRIVATE_MEDIA": "true"}, set()),
        ({"PRIVATE_NETWORKING": "true"}, {"host", "vault"}),
        ({"PRIVATE_NETWORKING": "true", "PRIVATE_MEDIA": "true"}, {"host", "media", "vault"}),
    ],
)
def test_what_is_closed_to_the_internet(environment, closed):
    cloud = _deployed(**environment)
    rules = {purpose: _storage(cloud, purpose)["networkAcls"]["defaultAction"] for purpose in ("host", "media")}
    rules["vault"] = cloud.one("Microsoft.KeyVault/vaults").body["properties"]["networkAcls"]["defaultAction"]
    assert {name for name, action in rules.items() if action == "Deny"} == closed
    assert (_site(cloud)["virtualNetworkSubnetId"] is not None) == ("host" in closed)


@pytest.mark.parametrize(
    ("environment", "there"),
    [
        ({"PLAYBACK_ACCESS": "public"}, True),
        ({"PLAYBACK_ACCESS": "signed"}, False),
        ({"PLAYBACK_ACCESS": "public", "PRIVATE_NETWORKING": "true", "PRIVATE_MEDIA": "true"}, False),
    ],
)
def test_front_door_serves_public_media_only(environment, there):
    cloud = _deployed(FRONT_DOOR="true", **environment)
    assert bool(cloud.of_type("Microsoft.Cdn/profiles")) == there
    assert cloud.outputs["main"]["MEDIA_URL"]["value"] == ("https://media.azurefd.net" if there else "")


def test_front_door_answers_each_origin_for_itself_and_caches_signed_addresses_apart():
    cloud = _deployed(FRONT_DOOR="true", PLAYBACK_ACCESS="public", CORS_ORIGINS="https://a.example,https://b.example")
    rules = [r.body["properties"] for r in cloud.of_type("Microsoft.Cdn/profiles/ruleSets/rules")]
    # Order 0 would be a rule without conditions.
    assert [rule["order"] for rule in rules] == [1, 2, 3]
    for rule, origin in zip(rules, [OWN, "https://a.example", "https://b.example"], strict=True):
        assert rule["conditions"][0]["parameters"]["matchValues"] == [origin]
        assert rule["actions"][0]["parameters"]["value"] == origin
    route = cloud.one("Microsoft.Cdn/profiles/afdEndpoints/routes").body["properties"]
    assert route["patternsToMatch"] == ["/*"]
    assert route["cacheConfiguration"] == {"queryStringCachingBehavior": "UseQueryString"}


def test_events_reach_the_function_and_dead_letters_the_container_that_exists():
    cloud = _deployed()
    outputs = {name: output["value"] for name, output in cloud.outputs["main"].items()}
    given = {
        "functionAppName": outputs["AZURE_FUNCTION_APP_NAME"],
        "topicName": outputs["AZURE_EVENT_TOPIC_NAME"],
        "hostStorageName": outputs["AZURE_HOST_STORAGE_NAME"],
    }
    group = cloud.one(STORAGE + "/queueServices").id.partition("/providers/")[0]
    Deployment(cloud, _compiled("upload-events.bicep"), given, group).run()
    properties = cloud.one("Microsoft.EventGrid/systemTopics/eventSubscriptions").body["properties"]
    site = cloud.one("Microsoft.Web/sites")
    key = f"key of {site.id}/host/default"
    assert properties["destination"]["properties"]["endpointUrl"] == (
        f"{OWN}/runtime/webhooks/blobs?functionName=Host.Functions.UploadCompleted&code={key}"
    )
    dead = properties["deadLetterWithResourceIdentity"]["deadLetterDestination"]["properties"]
    assert f"{dead['resourceId']}/blobServices/default/containers/{dead['blobContainerName']}" in cloud.resources
