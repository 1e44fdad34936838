"""Deploys a compiled template into a dict, as Azure Resource Manager does, as far as the templates of `infra/` need it.

Every expression is evaluated and every resource is created in the order of `dependsOn`. A reference to a resource that
does not exist yet, an unknown function and an unknown parameter are errors.
The expressions are described at https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|-?\d+|\w+|[(),.\[\]])")


@dataclass(frozen=True)
class Resource:
    """`body` is the evaluated declaration. `scope` is the id of what an extension resource belongs to, or empty."""

    type: str
    name: str
    id: str
    scope: str
    body: dict[str, Any]


@dataclass
class Cloud:
    """`facts` names what Azure adds to a resource: it gets the resource, and returns `properties` and `identity`."""

    facts: Callable[[Resource], dict[str, Any]]
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of_type(self, kind: str) -> list[Resource]:
        return [r for r in self.resources.values() if r.type == kind]

    def one(self, kind: str) -> Resource:
        (found,) = self.of_type(kind)
        return found

    def reference(self, key: str, *, full: bool) -> dict[str, Any]:
        if key in self.outputs:
            return {"outputs": self.outputs[key]}
        assert key in self.resources, f"{key} is read before it is deployed"
        resource = self.resources[key]
        added = self.facts(resource)
        seen = resource.body | added | {"properties": resource.body.get("properties", {}) | added.get("properties", {})}
        return seen if full else seen["properties"]


@dataclass
class Deployment:
    """`given`: the parameters' values. `group`: the id of the resource group, or of the subscription."""

    cloud: Cloud
    template: dict[str, Any]
    given: dict[str, Any]
    group: str = SUBSCRIPTION

    def run(self) -> dict[str, dict[str, Any]]:
        """Creates the resources. Returns the outputs."""
        unknown = set(self.given) - set(self.template.get("parameters", {}))
        assert not unknown, f"no such parameters: {unknown}"
        waiting = []
        for raw in self.template["resources"]:
            count = self.value(raw["copy"]["count"]) if "copy" in raw else 1
            waiting += [(raw, _Names({"": index})) for index in range(count)]
        while waiting:
            names = {self._id(raw, copies).lower() for raw, copies in waiting}
            ready = [w for w in waiting if not names & {d.lower() for d in self.value(w[0].get("dependsOn", []), w[1])}]
            assert ready, "the resources wait for each other"
            for raw, copies in ready:
                self._create(raw, copies)
            waiting = [w for w in waiting if w not in ready]
        return {name: {"value": self.value(o["value"])} for name, o in self.template.get("outputs", {}).items()}

    def _id(self, raw: dict[str, Any], copies: "_Names") -> str:
        scope = self.value(raw.get("scope", ""), copies)
        home = scope or f"{self.group}/resourceGroups/{self.value(raw.get('resourceGroup', ''), copies)}"
        name = self.value(raw["name"], copies)
        return _id(home if scope or "resourceGroup" in raw else self.group, raw["type"], *name.split("/"))

    def _create(self, raw: dict[str, Any], copies: "_Names") -> None:
        if not self.value(raw.get("condition", True), copies):
            return
        key, kind = self._id(raw, copies), raw["type"]
        if kind == "Microsoft.Resources/deployments":
            given = {n: self.value(v, copies)["value"] for n, v in raw["properties"]["parameters"].items()}
            group = key.partition("/providers/")[0]
            self.cloud.outputs[key] = Deployment(self.cloud, raw["properties"]["template"], given, group).run()
            return
        assert key not in self.cloud.resources, f"{key} is deployed twice"
        body = self.value(
            {k: v for k, v in raw.items() if k not in {"copy", "condition", "dependsOn", "scope"}}, copies
        )
        scope = self.value(raw.get("scope", ""), copies)
        self.cloud.resources[key] = Resource(kind, body["name"], key, scope, body)

    def parameter(self, name: str) -> Any:
        return self.given[name] if name in self.given else self.value(self.template["parameters"][name]["defaultValue"])

    def value(self, raw: Any, names: "_Names | None" = None) -> Any:
        """What a piece of the template is worth."""
        names = names or _Names()
        if isinstance(raw, list):
            return [self.value(v, names) for v in raw]
        if isinstance(raw, dict):
            found = {self.value(k, names): self.value(v, names) for k, v in raw.items() if k != "copy"}
            for loop in raw.get("copy", []):
                items = range(self.value(loop["count"], names))
                found[loop["name"]] = [self.value(loop["input"], names | {loop["name"]: i}) for i in items]
            return found
        if isinstance(raw, str) and raw.startswith("["):
            return raw[1:] if raw.startswith("[[") else _Expression(self, names, raw[1:-1]).result()
        return raw


class _Names(dict):
    """Indices of loops, and arguments of lambdas."""


def _id(home: str, kind: str, *names: str) -> str:
    provider, *kinds = kind.split("/")
    assert len(kinds) == len(names), (kind, names)
    if kind == "Microsoft.Resources/resourceGroups":
        return f"{home}/resourceGroups/{names[0]}"
    return f"{home}/providers/{provider}/" + "/".join(f"{k}/{n}" for k, n in zip(kinds, names, strict=True))


class _Expression:
    """Parses and evaluates at once. `skip` says that the branch is not taken: it is parsed, and is worth None."""

    def __init__(self, deployment: Deployment, names: _Names, text: str) -> None:
        self.deployment, self.names, self.text = deployment, names, text
        self.tokens = _TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r"\s+(?=(?:[^']|'[^']*')*$)", "", text), text
        self.at = 0

    def result(self) -> Any:
        found = self.expression()
        assert self.at == len(self.tokens), self.text
        return found

    def take(self, expected: str = "") -> str:
        token = self.tokens[self.at]
        assert expected in {"", token}, self.text
        self.at += 1
        return token

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def expression(self, *, skip: bool = False) -> Any:
        token = self.take()
        if token.startswith("'"):
            found: Any = token[1:-1].replace("''", "'")
        elif token.lstrip("-").isdigit():
            found = int(token)
        else:
            found = self.call(token, skip=skip)
        while self.peek() in {".", "["}:
            if self.take() == ".":
                key: Any = self.take()
            else:
                key = self.expression(skip=skip)
                self.take("]")
            found = None if skip else found[key]
        return found

    def call(self, name: str, *, skip: bool) -> Any:
        self.take("(")
        if name == "lambda":
            return self.function(skip=skip)
        arguments: list[Any] = []
        while self.peek() != ")":
            # Only the branch that is chosen is evaluated: the other may name what is not deployed.
            unchosen = name == "if" and arguments and bool(arguments[0]) == (len(arguments) == 2)
            arguments.append(self.expression(skip=skip or bool(unchosen)))
            if self.peek() == ",":
                self.take()
        self.take(")")
        if skip:
            return None
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](*arguments)
        return getattr(self, f"call_{name}")(*arguments)

    def function(self, *, skip: bool) -> Callable[..., Any] | None:
        parameters = []
        while self.tokens[self.at + 1] == ",":
            parameters.append(self.take().strip("'"))
            self.take(",")
        start = self.at
        self.expression(skip=True)
        body = self.tokens[start : self.at]
        self.take(")")

        def apply(*arguments: Any) -> Any:
            names = _Names(self.names | dict(zip(parameters, arguments, strict=True)))
            return _Expression(self.deployment, names, "".join(body)).result()

        return None if skip else apply

    def call_parameters(self, name: str) -> Any:
        return self.deployment.parameter(name)

    def call_variables(self, name: str) -> Any:
        variables = self.deployment.template["variables"]
        if name in variables:
            return self.deployment.value(variables[name])
        return self.deployment.value({"copy": variables["copy"]})[name]

    def call_lambdaVariables(self, name: str) -> Any:  # noqa: N802 — the language's own name
        return self.names[name]

    def call_copyIndex(self, name: str = "") -> int:  # noqa: N802
        return self.names[name]

    def call_resourceId(self, kind: str, *names: str) -> str:  # noqa: N802
        return _id(self.deployment.group, kind, *names)

    def call_reference(self, key: str, version: str = "", full: str = "") -> Any:
        return self.deployment.cloud.reference(key, full=full == "full")


def _union(*values: Any) -> Any:
    if isinstance(values[0], dict):
        return reduce(lambda a, b: a | b, values)
    return list(dict.fromkeys(item for value in values for item in value))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "and": lambda *values: all(values),
    "contains": lambda where, what: what in where,
    "createArray": lambda *values: list(values),
    "createObject": lambda *pairs: dict(zip(pairs[::2], pairs[1::2], strict=True)),
    "deployer": lambda: {"objectId": "deployer"},
    "div": lambda a, b: a // b,
    "empty": lambda value: not value,
    "environment": lambda: {"suffixes": {"storage": "core.windows.net"}},
    "equals": lambda a, b: a == b,
    "extensionResourceId": _id,
    "false": lambda: False,
    "filter": lambda values, keep: [v for v in values if keep(v)],
    "format": lambda text, *values: re.sub(r"\{(\d+)\}", lambda m: str(values[int(m[1])]), text),
    "greater": lambda a, b: a > b,
    "guid": lambda *values: str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join(values))),
    "if": lambda condition, yes, no: yes if condition else no,
    "indexOf": lambda where, what: where.index(what) if what in where else -1,
    "items": lambda value: [{"key": k, "value": value[k]} for k in sorted(value)],
    "join": lambda values, between: between.join(values),
    "length": len,
    "listKeys": lambda key, version: {"systemKeys": {"blobs_extension": f"key of {key}"}},
    "map": lambda values, change: [change(v) for v in values],
    "not": lambda value: not value,
    "null": lambda: None,
    "split": lambda text, at: text.split(at),
    "string": str,
    "true": lambda: True,
    "subscription": lambda: {"id": SUBSCRIPTION, "subscriptionId": SUBSCRIPTION.rpartition("/")[2]},
    "subscriptionResourceId": lambda kind, *names: _id(SUBSCRIPTION, kind, *names),
    "tenant": lambda: {"tenantId": "tenant"},
    "toLower": str.lower,
    "trim": str.strip,
    "union": _union,
    "uniqueString": lambda *values: uuid.uuid5(uuid.NAMESPACE_URL, "|".join(values)).hex[:13],
}


def deploy(template: dict[str, Any], given: dict[str, Any], facts: Callable[[Resource], dict[str, Any]]) -> Cloud:
    """The resources that a deployment with these parameters creates. `outputs["main"]` holds the outputs."""
    cloud = Cloud(facts)
    cloud.outputs["main"] = Deployment(cloud, template, given).run()
    return cloud
