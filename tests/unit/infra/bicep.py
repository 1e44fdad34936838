"""Bicep files as plain Python: what tests ask about them. It reads their shape, and evaluates nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

INFRA = Path(__file__).parents[3] / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))

_PARSER = Parser(Language(tree_sitter_bicep.language()))


class Expression(str):
    """Code that is no literal, as it is written."""

    __slots__ = ()


@dataclass
class Declaration:
    """`kind`: param, var, output, resource or module. `type`: of a param or output; type@version of a resource; path of
    a module. `value`: a dict for resources and modules. `over`: what a loop runs over. `parent`: resource it stands in.
    `code`: the value as it is written.
    """

    kind: str
    name: str
    type: str
    value: Any
    decorators: dict[str, list[Any]] = field(default_factory=dict)
    existing: bool = False
    condition: str = ""
    over: Any = None
    parent: str = ""
    comment: str = ""
    code: str = ""


@dataclass
class File:
    path: Path
    text: str
    declarations: list[Declaration]

    def all(self, kind: str) -> list[Declaration]:
        return [d for d in self.declarations if d.kind == kind]

    def one(self, name: str) -> Declaration:
        (found,) = [d for d in self.declarations if d.name == name]
        return found

    def of_type(self, kind: str) -> list[Declaration]:
        """Resources of a type that are created here."""
        return [d for d in self.all("resource") if d.type.partition("@")[0] == kind and not d.existing]


def errors(text: str) -> list[str]:
    """Where the text is no Bicep."""

    def walk(node: Node) -> Iterator[str]:
        if node.is_error or node.is_missing:
            yield f"line {node.start_point.row + 1}: {_text(node)[:60]!r}"
        for child in node.children:
            yield from walk(child)

    return list(walk(_PARSER.parse(text.encode()).root_node))


@cache
def read(path: Path) -> File:
    """A file of `infra/`. Raises AssertionError when it is no Bicep."""
    text = path.read_text("utf-8")
    assert errors(text) == [], path
    return File(path, text, list(_declarations(_PARSER.parse(text.encode()).root_node)))


def identifiers(path: Path) -> list[str]:
    """Every symbol that the code names, as often as it does: no keys of objects, no properties, no types."""

    def walk(node: Node) -> Iterator[str]:
        if node.type in {"identifier", "loop_variable", "loop_enumerator"}:
            yield _text(node)
        key = node.type == "object_property" and node.children[0].type == "identifier"
        for child in node.children[1 if key else 0 :]:
            yield from walk(child)

    return list(walk(_PARSER.parse(path.read_bytes()).root_node))


def known_at_start(path: Path) -> Iterator[str]:
    """Code that the compiler must be able to evaluate before a deployment starts: what loops run over, and the names
    and conditions of resources and modules.
    """

    def loops(node: Node) -> Iterator[str]:
        if node.type == "for_statement":
            kinds = [child.type for child in node.children]
            yield _text(node.children[kinds.index("in") + 1])
        for child in node.children:
            yield from loops(child)

    yield from loops(_PARSER.parse(path.read_bytes()).root_node)
    for declaration in (*read(path).all("resource"), *read(path).all("module")):
        yield str(declaration.value["name"])
        yield declaration.condition


def run_time_values(path: Path, code: str) -> list[str]:
    """What the code reads, itself or through variables, that is known only when a resource or module is there. Of a
    resource the compiler knows four properties before: https://aka.ms/bicep/core-diagnostics#BCP178
    """
    file = read(path)
    symbols = "|".join(d.name for d in (*file.all("resource"), *file.all("module")))
    found = re.findall(rf"\b(?:{symbols})(?:::\w+)*!?\.(?!(?:id|name|type|apiVersion)\b)\w+", code) if symbols else []
    for variable in file.all("var"):
        if re.search(rf"(?<![.\w]){variable.name}\b", code):
            found += run_time_values(path, variable.code)
    return found


def _text(node: Node) -> str:
    return (node.text or b"").decode()


_KINDS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "output_declaration": "output",
    "resource_declaration": "resource",
    "module_declaration": "module",
}


def _declarations(parent: Node, inside: str = "") -> Iterator[Declaration]:
    decorators: dict[str, list[Any]] = {}
    comment: list[str] = []
    for node in parent.children:
        if node.type == "decorators":
            decorators = dict(_decorator(child) for child in node.children)
        elif node.type == "comment":
            comment.append(_text(node))
        elif node.type in _KINDS:
            yield from _declaration(node, decorators, "\n".join(comment), inside)
            decorators, comment = {}, []


def _decorator(node: Node) -> tuple[str, list[Any]]:
    call = node.named_children[0]
    name, arguments = call.named_children
    return _text(name), [_value(a) for a in arguments.named_children]


def _declaration(node: Node, decorators: dict[str, list[Any]], comment: str, inside: str) -> Iterator[Declaration]:
    named = [c for c in node.named_children if c.type != "comment"]
    found = Declaration(_KINDS[node.type], _text(named[0]), "", None, decorators, parent=inside, comment=comment)
    assigned = next((i for i, c in enumerate(node.children) if c.type == "="), len(node.children))
    before = [c for c in node.children[:assigned] if c.is_named][1:]
    after = [c for c in node.children[assigned:] if c.is_named]
    found.existing = any(c.type == "existing" for c in node.children)
    types = [c for c in before if c.type in {"type", "string", "identifier"}]
    found.type = _text(types[0]).strip("'") if types else ""
    body = after[0] if after else None
    found.code = _text(body) if body is not None else ""
    if body is not None and found.kind in {"resource", "module"}:
        if body.type == "if_statement":
            found.condition = _text(body.named_children[0])
            body = body.named_children[-1]
        elif body.type == "for_statement":
            found.over = _value([c for c in body.named_children if c.type not in {"comment", "object"}][-1])
            body = body.named_children[-1]
    found.value = _value(body) if body is not None else None
    yield found
    if body is not None and body.type == "object":
        for property_ in body.named_children:
            yield from _declarations(property_, found.name)


def _value(node: Node) -> Any:
    match node.type:
        case "object":
            return dict(_properties(node))
        case "array":
            return [_value(c) for c in node.named_children if c.type != "comment"]
        case "string" if not any(c.type == "interpolation" for c in node.children):
            return "".join(_text(c) for c in node.named_children)
        case "string":
            return Expression(_text(node).strip("'"))
        case "number":
            return int(_text(node))
        case "boolean":
            return _text(node) == "true"
        case "null":
            return None
        case "for_statement":
            return [_value(node.named_children[-1])]
        case _:
            return Expression(_text(node))


def _properties(node: Node) -> Iterator[tuple[str, Any]]:
    for child in node.named_children:
        if child.type == "object_property" and child.named_children[0].type != "resource_declaration":
            key, value = [c for c in child.named_children if c.type != "comment"]
            yield _text(key).strip("'"), _value(value)
