"""Writes the parts of README.md that follow from the code: settings, failures, formats, codecs.

A test holds them together.
"""

import re
from functools import partial
from pathlib import Path

from connector.domain.failures import SENTENCES
from connector.domain.formats import FORMATS
from connector.media.decoders import AUDIO, VIDEO
from connector.settings import Settings, variable

README = Path(__file__).parent.parent / "README.md"


def settings_rows() -> list[str]:
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, tuple):
            default = ",".join(default)
        shown = "" if field.is_required() else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        rows.append(f"| `{variable(name)}` | {shown} | {field.description} |")
    return rows


def failures_rows() -> list[str]:
    return [f"| `{code}` | {re.sub(r'{.*?}', '…', sentence)} |" for code, sentence in SENTENCES.items()]


def formats_line() -> str:
    return " ".join(f.extension for f in FORMATS)


def codecs_line() -> str:
    return f"{', '.join(VIDEO)}; {', '.join(AUDIO)}"


def updated(text: str) -> str:
    """The README with its tables as they follow from the code."""
    head = "| Setting | Default | Meaning |\n|---|---|---|\n"
    text = re.sub(re.escape(head) + r"(?:.*\S.*\n)+", lambda _: head + "\n".join(settings_rows()) + "\n", text)
    codes = "| Code | Message |\n|---|---|\n"
    text = re.sub(re.escape(codes) + r"(?:.*\S.*\n)+", lambda _: codes + "\n".join(failures_rows()) + "\n", text)
    for lead, line in (
        ("each is proved by a test that publishes such a file:\n", formats_line()),
        ("Accepted codecs are these, and no other decoder of FFmpeg is opened:\n", codecs_line()),
    ):
        text = re.sub(re.escape(lead) + r".*\n", partial(_line, lead, line), text)
    return text


def _line(lead: str, line: str, _: object) -> str:
    return f"{lead}{line}.\n"


def main() -> None:
    README.write_text(updated(README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
