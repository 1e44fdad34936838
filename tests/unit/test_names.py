"""Names say what a thing does, in the field's own words, and files are small. The glossary is in ARCHITECTURE.md."""

import ast
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("connector", "client", "local", "bench", "scripts")
FILES = [ROOT / "function_app.py", *(path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py")))]

RENAMED = {
    "Conflict": "RowChanged, StorageRefused",
    "unfinished": "load_active_video, remove_leftovers",
    "grow": "publish_early, put_early",
    "growing": "playable_early, early_presentation, early_writes",
    "growth": "early",
    "grown": "early_version",
    "Growth": "EarlyTimeline",
    "due": "should_publish",
    "watch": "mark_watched",
    "together": "run_concurrently",
    "held": "in_memory_source",
    "run": "media_task (module)",
    "TaskSink": "TaskReporter",
    "Terms": "EstimateParameters",
    "terms": "parameters",
    "gigapixel": "seconds_per_gigapixel",
    "refused": "media_error",
    "begun": "record_queue_age, on_start",
    "encoded": "record_encode_speed",
    "published": "record_published",
    "remaining": "missing_tasks",
    "zygote": "fork_server",
    "Zygote": "ForkServer",
    "children": "forking",
    "Kept": "IdleProcess",
    "good_for_another": "reusable",
    "owner": "affinity_key",
    "blame": "record_failure",
    "bury": "handle_poison",
    "give_up": "fail_or_wait",
    "elsewhere": "redirect_or_url",
    "way": "redirect_to_image",
    "made": "one_off_cost, thumbnail_blob",
    "kept": "monthly_cost, on_enqueued",
    "fresh": "not_modified_or",
    "told": "notified",
    "only": "discard_other_streams",
    "readable": "until_unreadable",
    "opened": "open_container, clear_source",
    "row_of": "load_row",
    "services": "bootstrap",
    "Twin": "FakeMediaRunner",
}
"""Old word: what is said instead."""

USUAL = {"begun", "children", "encoded", "owner", "published", "run", "watch"}
"""Good words elsewhere: they are not to come back where they were, in connector/."""

ALLOWED = {
    ("connector/media/source.py", "readable"): "a method of io.RawIOBase",
}


def _names(path: Path):
    """Functions, classes, parameters and the module itself; a leading underscore does not count."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_function_class_module_or_parameter_has_an_old_name(path):
    place = path.relative_to(ROOT).as_posix()
    words = {name.lstrip("_") for name in _names(path)} & set(RENAMED)
    if not place.startswith("connector/"):
        words -= USUAL
    # `run` is a good name for a function; as the name of a module it said nothing.
    words -= {"run"} if path.stem != "run" else set()
    found = {word: RENAMED[word] for word in words if (place, word) not in ALLOWED}
    assert found == {}


@pytest.mark.parametrize("path", [p for p in FILES if p.parts[len(ROOT.parts)] in {"connector", "client", "local"}])
def test_no_file_has_more_than_300_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= 300


def test_half_of_the_files_have_at_most_90_lines():
    lengths = [len(path.read_text("utf-8").splitlines()) for path in (ROOT / "connector").rglob("*.py")]
    assert median(lengths) <= 90
