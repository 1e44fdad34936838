"""Searches for inputs that are faults of one target, in this process: `python -m tests.fuzz.process TARGET SECONDS`.

Needs atheris. The connector and PyJWT are instrumented, so that libFuzzer keeps the inputs that reach new code. The
process ends at the first fault, with a status other than 0, and leaves the input in `.data/fuzz/TARGET`.
"""

import logging
import resource
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["connector", "jwt"], enable_loader_override=False):
    from tests.fuzz.target import DATA, corpus, load

    TARGET = load(sys.argv[1])
    for _seed in TARGET.seeds():  # imports inside functions happen here, too
        TARGET(_seed)

MEMORY = 1 << 30
"""Bytes that the process may have resident, and bytes of address space that one input may add."""
HANG_SECONDS = 30
"""Wall time after which an input counts as endless: the machine may be busy with other things."""
LONGEST = 16 * 1024
"""Bytes of an input, at most."""


def main(name: str, seconds: int) -> None:
    logging.disable(logging.CRITICAL)
    used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    kept = DATA / name / "kept"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        begin, words = Path(folder) / "begin", Path(folder) / "words"
        _write_begin(begin, name)
        words.write_text("\n".join(map(_quoted, TARGET.words or (b"\xff",))), "ascii")  # an empty file is an error
        options = {
            "max_total_time": seconds,
            "timeout": HANG_SECONDS,
            "rss_limit_mb": MEMORY >> 20,
            "max_len": LONGEST,
            "artifact_prefix": f"{DATA / name}/",
            "dict": words,
            "print_final_stats": 1,
        }
        _search([sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(kept), str(begin)])


def _write_begin(folder: Path, name: str) -> None:
    """Writes the inputs from which the search begins."""
    folder.mkdir()
    for number, seed in enumerate(TARGET.seeds()):
        (folder / str(number)).write_bytes(seed)
    for path in corpus(name):
        (folder / path.name).write_bytes(path.read_bytes())


def _quoted(word: bytes) -> str:
    """Returns the word as libFuzzer's dictionaries have it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"'


def _search(arguments: list[str]) -> None:
    if TARGET.json:
        from tests.fuzz.mutate import mutator

        def change_bytes(data: bytes, most: int) -> bytes:
            changed: bytes = atheris.Mutate(data, most)  # this is another function once `Fuzz` runs
            return changed

        atheris.Setup(arguments, TARGET, custom_mutator=mutator(change_bytes))
    else:
        atheris.Setup(arguments, TARGET)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
