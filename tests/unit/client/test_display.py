"""Progress on a terminal and elsewhere."""

import io

import pytest
from rich.console import Console

from client.cli.display import Display

HOSTILE = "[red]a[/red]\x1b[2J.mp4"


def shown(*, terminal: bool) -> str:
    text = io.StringIO()
    display = Display(Console(file=text, force_terminal=terminal, width=100, color_system=None))
    with display.bytes(HOSTILE) as bar:
        for done in range(101):
            bar(done * 10**6, 10**8)
    with display.percent("Encoding") as percent:
        for done in (0, 10, 30, 100):
            percent(done)
    display.failure(HOSTILE, "Do something.")
    return text.getvalue()


def test_elsewhere_than_on_a_terminal_there_is_a_line_per_quarter():
    lines = shown(terminal=False).splitlines()
    told = [line.rpartition(": ")[2] for line in lines[:8]]
    assert told == ["0 %", "25 %", "50 %", "75 %", "100 %", "0 %", "30 %", "100 %"]
    assert lines[-1] == "  Do something."


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
def test_names_are_shown_as_text_and_cannot_steer_the_terminal(terminal):
    text = shown(terminal=terminal)
    assert "[red]a[/red]\N{REPLACEMENT CHARACTER}[2J.mp4" in text
    assert "\x1b[2J" not in text


def test_a_terminal_shows_size_and_percent():
    text = shown(terminal=True)
    assert "100.0/100.0 MB" in text
    assert "100 %" in text


def test_nothing_is_shown_for_an_empty_file():
    text = io.StringIO()
    with Display(Console(file=text)).bytes("a") as bar:
        bar(0, 0)
    assert text.getvalue() == "a: 100 %\n"
