"""What the compiler and its linter would say, as far as the text shows it."""

import json
import re

import pytest

from tests.unit.infra.bicep import FILES, INFRA, Expression, errors, identifiers, known_at_start, read, run_time_values

MAIN = INFRA / "main.bicep"
RESOURCES = [(path, d) for path in FILES for d in read(path).all("resource") if "@" in d.type]
MODULES = {d.name: d for d in read(MAIN).all("module")}

# Functions of Bicep that are used here.
FUNCTIONS = {
    *("allowed", "description", "maxLength", "maxValue", "metadata", "minLength", "minValue", "secure"),
    *("contains", "deployer", "empty", "environment", "filter", "guid", "indexOf", "items", "join", "listKeys", "map"),
    *(
        "split",
        "string",
        "subscription",
        "subscriptionResourceId",
        "tenant",
        "toLower",
        "trim",
        "union",
        "uniqueString",
    ),
}

# Of these there is no newer stable version.
OLDEST = {"Microsoft.Insights/components": "2020-02-02"}


def _name(path):
    return path.stem


def test_a_broken_file_is_noticed():
    assert errors("param a string\nvar b = 'x${a}'\n") == []
    for broken in ("param a string =\n", "resource a 'b/c@2024-01-01' = {\n", "var a = [1\n", "var a = { b: }\n"):
        assert errors(broken), broken


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_file_is_bicep_and_says_what_it_is_for(path):
    assert read(path).text.startswith("metadata description = '")


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_every_parameter_and_output_is_described(path):
    for declaration in (*read(path).all("param"), *read(path).all("output")):
        assert declaration.decorators["description"][0].strip(), declaration.name


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_every_symbol_is_declared_and_used(path):
    file, used = read(path), identifiers(path)
    loops = set(re.findall(r"for (\w+) in", file.text)) | set(re.findall(r"(\w+) =>", file.text))
    loops |= {name for pair in re.findall(r"for \((\w+), (\w+)\) in", file.text) for name in pair}
    declared = {d.name for d in file.declarations}
    assert set(used) - declared - loops - FUNCTIONS - {"description"} == set()
    unused = [
        d.name
        for d in file.declarations
        if (d.kind in {"param", "var"} or d.existing) and used.count(d.name) < 2 and not d.parent
    ]
    assert unused == []


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_symbols_are_in_camel_case(path):
    for declaration in read(path).declarations:
        # Outputs of main become variables of the azd environment.
        upper = path == MAIN and declaration.kind == "output"
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*" if upper else r"[a-z]+([A-Z][a-z]+)*", declaration.name)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_symbol_means_one_thing_in_a_file(path):
    names = [(d.kind == "output", d.name) for d in read(path).declarations]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(("path", "resource"), RESOURCES, ids=[f"{p.stem}-{d.name}" for p, d in RESOURCES])
def test_api_versions_are_stable_recent_and_the_same_everywhere(path, resource):
    kind, _, version = resource.type.partition("@")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", version)
    assert version >= OLDEST.get(kind, "2022")
    assert {d.type for _, d in RESOURCES if d.type.startswith(f"{kind}@")} == {resource.type}


@pytest.mark.parametrize(("path", "resource"), RESOURCES, ids=[f"{p.stem}-{d.name}" for p, d in RESOURCES])
def test_no_location_is_written_into_a_resource(path, resource):
    assert resource.value.get("location", "global") == "global" or isinstance(resource.value["location"], Expression)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_address_of_one_cloud_is_written_into_a_file(path):
    hosts = r"core\.windows\.net|\.vault\.azure\.net|management\.azure\.com|login\.microsoftonline"
    assert re.findall(hosts, read(path).text) == []


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_loops_names_and_conditions_are_known_before_the_deployment_starts(path):
    """Otherwise the compiler refuses the file (BCP178, BCP120): only values of properties may be found out later."""
    assert {code: values for code in known_at_start(path) if (values := run_time_values(path, code))} == {}


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_later_deployment_of_the_same_is_the_same(path):
    """What follows the clock changes resources that may not be changed, such as the start of a budget."""
    assert {"utcNow", "newGuid"} & set(identifiers(path)) == set()


# Off in the compiler itself, because they refuse what is right. At level error they would end the build.
FALSE_POSITIVES = {
    # Refuses an id that a loop's variable or a lambda's parameter holds.
    # https://github.com/Azure/bicep/blob/main/src/Bicep.Core/Analyzers/Linter/Rules/UseResourceIdFunctionsRule.cs
    "use-resource-id-functions",
}


def test_no_rule_of_the_linter_that_refuses_what_is_right_ends_the_build():
    rules = json.loads((INFRA / "bicepconfig.json").read_text("utf-8"))["analyzers"]["core"]["rules"]
    assert {name for name, rule in rules.items() if rule["level"] == "error"} & FALSE_POSITIVES == set()


def test_order_follows_from_references_but_where_none_can_say_it():
    found = {(p.stem, d.name): d.value["dependsOn"] for p, d in RESOURCES if "dependsOn" in d.value}
    assert found == {("front-door", "route"): ["origin"]}


def test_every_file_is_deployed():
    deployed = {INFRA / d.type for d in MODULES.values()} | {MAIN, INFRA / "upload-events.bicep"}
    assert deployed == set(FILES)


@pytest.mark.parametrize("module", MODULES.values(), ids=lambda module: module.name)
def test_a_module_gets_the_parameters_that_it_takes(module):
    takes = {d.name: d for d in read(INFRA / module.type).all("param")}
    given = set(module.value["params"])
    assert given <= set(takes)
    assert [name for name in set(takes) - given if takes[name].value is None] == []


def test_outputs_that_are_read_exist():
    text = read(MAIN).text
    for name, output in re.findall(r"(\w+)!?\.outputs\.(\w+)", text):
        assert output in {d.name for d in read(INFRA / MODULES[name].type).all("output")}, name
    for name in (name for name, module in MODULES.items() if module.condition):
        # What may not be there is read after asking whether it is.
        for line in re.findall(rf".*{name}!?\.outputs.*", text):
            assert f"{name}!.outputs" in line
            assert "?" in line


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_secret_goes_in_or_out(path):
    secret = re.compile(r"secret|password|connection_?string|_KEY$|[a-z]Key$|sas$|credential", re.IGNORECASE)
    declarations = (*read(path).all("param"), *read(path).all("output"))
    assert [d.name for d in declarations if secret.search(d.name) and "secure" not in d.decorators] == []
    for output in read(path).all("output"):
        assert not re.search(r"list\w*\(|ConnectionString|Key", str(output.value)), output.name
    assert not re.search(r"AccountKey=|SharedAccessSignature|InstrumentationKey", read(path).text)
    # One secret is read at all: inside Azure, into a property that is never given back.
    assert ("listKeys(" in read(path).text) == (path.stem == "upload-events")
