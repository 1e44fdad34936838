"""RESULTS.md: one section per measurement, replaced whenever it is measured again."""

import re
from pathlib import Path

HEAD = "# Measurements\n\nEach section was written by the command it names.\n"


def write_section(path: Path, title: str, text: str) -> None:
    whole = path.read_text("utf-8") if path.exists() else HEAD
    section = f"\n## {title}\n\n{text}\n"
    pattern = re.compile(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", re.DOTALL)
    changed = pattern.sub(lambda _: section, whole) if pattern.search(whole) else whole + section
    path.write_text(changed, "utf-8")
    print(text)
