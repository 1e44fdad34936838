"""What is different between the recorded answer to a case and another one."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.platform.cases import Case
from tests.platform.wire import Answer

SAW = "the function saw "
"""How a line begins that is about what reached the function, if it ran in both hosts."""

_MACHINE = {
    "date": r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT",
    "length": r"\d+",
    "guid": r"[0-9a-fA-F-]{36}",
    "id": r"[^\"]+",
    "path": r"[^\"]+",
    "host_id": r"[^\"]+",
    "key": r"[^\"]+",
}
"""Patterns of the placeholders that have another value in each run."""

_HOME_PAGE = 149_794
"""Bytes of the host's home page. Its text was not recorded, and a page of any other length will do."""

_BY_CHANCE = "Content-Type is there or not by chance"
"""How the note of a case begins whose answer has that header in some runs only."""


def differences(case: Case, answer: Answer, names: Mapping[str, str]) -> list[str]:
    """One line for each difference; none when both agree. `names` are the values of the placeholders.

    Reason phrases and the order of headers are not compared.
    """
    return list(_differences(case, answer, {**names, **_from_request(case)}))


def _echo(body: str) -> dict[str, Any] | None:
    """What a probe function saw, or None if this is no echo."""
    try:
        seen = json.loads(body)
    except ValueError:
        return None
    return seen if isinstance(seen, dict) and "fn" in seen else None


def _from_request(case: Case) -> dict[str, str]:
    code = re.search(r'"validationCode": ?"([^"]*)"', case.request.get("body", ""))
    return {"guid": code[1]} if code else {}


def _differences(case: Case, answer: Answer, names: Mapping[str, str]) -> Iterator[str]:
    recorded = case.response
    if "error" in recorded or answer.error:
        if recorded.get("error") != answer.error:
            yield f"recorded {recorded.get('status', recorded.get('error'))}, ours {answer.error or answer.status}"
        return
    if recorded["status"] != answer.status:
        yield f"status: recorded {recorded['status']}, ours {answer.status}"
    yield from _headers(case, answer, names)
    if recorded["framing"] != answer.framing:
        yield f"framing: recorded {recorded['framing']}, ours {answer.framing}"
    if recorded["connection"] not in {"", answer.connection}:
        yield f"connection: recorded {recorded['connection']}, ours {answer.connection}"
    if recorded.get("interim") and recorded["interim"].split()[1] != (answer.interim or "").split()[1]:
        yield f"interim: recorded {recorded['interim']}, ours {answer.interim}"
    if recorded.get("truncated", False) != answer.truncated:
        yield f"truncated: recorded {recorded.get('truncated', False)}, ours {answer.truncated}"
    yield from _body(recorded, answer, names)


def _headers(case: Case, answer: Answer, names: Mapping[str, str]) -> Iterator[str]:
    expected = [(name, value) for name, value in case.response["headers"]]
    ours = list(answer.headers)
    if case.note.startswith(_BY_CHANCE):
        expected, ours = ([h for h in headers if h[0] != "Content-Type"] for headers in (expected, ours))
    if answer.header("content-length") not in {None, "0"}:
        home = ("Content-Length", str(_HOME_PAGE))
        expected = [("Content-Length", "{length}") if header == home else header for header in expected]
    left = Counter(ours)
    for name, value in expected:
        same = next((h for h in left if h[0] == name and _matches(value, h[1], names)), None)
        if same is None:
            yield f"header: recorded {name}: {value[:200]}"
        elif left[same] == 1:
            del left[same]
        else:
            left[same] -= 1
    yield from (f"header: ours {name}: {value[:200]}" for name, value in left.elements())


def _body(recorded: Mapping[str, Any], answer: Answer, names: Mapping[str, str]) -> Iterator[str]:
    ours = answer.body.decode("utf-8", "surrogateescape")
    if recorded.get("body_omitted"):
        return
    if recorded.get("body_size") == _HOME_PAGE:
        if not ours:
            yield "body: recorded the home page, ours empty"
    elif "body_size" in recorded:
        if recorded["body_size"] != len(answer.body):
            yield f"body: recorded {recorded['body_size']} bytes, ours {len(answer.body)}"
    elif "body_base64" in recorded:
        if base64.b64decode(recorded["body_base64"]) != answer.body:
            yield f"body: recorded {recorded['body_base64'][:80]}, ours {answer.body[:60]!r}"
    elif not _matches(recorded["body"], ours, names):
        yield from _texts(recorded["body"], ours, names)


def _texts(recorded: str, ours: str, names: Mapping[str, str]) -> Iterator[str]:
    saw, sees = _echo(recorded), _echo(ours)
    if saw is None or sees is None:
        yield f"body: recorded {recorded[:200]!r}, ours {ours[:200]!r}"
        return
    same = True
    for key in saw.keys() | sees.keys():
        was, now = (json.dumps(seen.get(key)) for seen in (saw, sees))
        if not _matches(was, now, names):
            same = False
            yield f"{SAW}{key}: recorded {was}, ours {now}"
    if same:
        yield f"{SAW}the same, but written in another way: recorded {recorded}, ours {ours}"


def _matches(recorded: str, ours: str, names: Mapping[str, str]) -> bool:
    texts = re.split(r"\{([a-z_]+)\}", recorded)
    pattern = "".join(_pattern(text, names) if odd % 2 else re.escape(text) for odd, text in enumerate(texts))
    return re.fullmatch(pattern, ours, re.DOTALL) is not None


def _pattern(name: str, names: Mapping[str, str]) -> str:
    return re.escape(names[name]) if name in names else _MACHINE.get(name, re.escape(f"{{{name}}}"))
