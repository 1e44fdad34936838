"""A download has the name that its uploader gave it, as far as that name is harmless."""

import re
from urllib.parse import unquote

import pytest

from connector.api.disposition import attachment

ID = "01a20000-0000-7000-8000-000000000000.mp4"
CASES = {
    "holiday.mp4": ("holiday.mp4", "holiday.mp4"),
    "My Holiday 2026.MP4": ("My Holiday 2026.MP4", "My Holiday 2026.MP4"),
    "Größe.mp4": ("Große.mp4".replace("ß", ""), "Größe.mp4"),
    "海.mp4": (ID, "海.mp4"),
    "50 % off.mp4": ("50 _ off.mp4", "50 % off.mp4"),
    'say "hi".mp4': ("say _hi_.mp4", "say _hi_.mp4"),
    "a\r\nX-Evil: 1.mp4": ("aX-Evil_ 1.mp4", "aX-Evil_ 1.mp4"),
    "a\x00b\x7fc\x85.mp4": ("abc.mp4", "abc.mp4"),
    "invoice\u202e4pm.exe.mp4": ("invoice4pm.exe.mp4", "invoice4pm.exe.mp4"),
    "\u2066a\u2069\u200b\u2028.mp4": ("a.mp4", "a.mp4"),
    "../../etc/passwd.mp4": ("_.._etc_passwd.mp4", "_.._etc_passwd.mp4"),
    "C:\\videos\\a.mp4": ("C__videos_a.mp4", "C__videos_a.mp4"),
    "a\ud800.mp4": ("a.mp4", "a.mp4"),
    " . a . .mp4": ("a.mp4", "a.mp4"),
    ".mp4": (ID, ID),
    "\u202e.mp4": (ID, ID),
    "": (ID, ID),
    "a;filename=b.mp4": ("a;filename=b.mp4", "a;filename=b.mp4"),
    "it's (1)*.mp4": ("it's (1)_.mp4", "it's (1)_.mp4"),
}


@pytest.mark.parametrize("file_name", CASES)
def test_a_name_is_kept_as_far_as_it_is_harmless(file_name):
    disposition = attachment(file_name, ID)
    plain, extended = CASES[file_name]
    assert disposition.startswith(f"attachment; filename=\"{plain}\"; filename*=UTF-8''")
    assert unquote(disposition.rpartition("''")[2]) == extended


LONG = ["海" * 5000 + ".mp4", "a" * 5000 + ".mp4", "." * 5000, "a." + "b" * 5000, ".a" * 5000 + ".mp4"]


@pytest.mark.parametrize("file_name", [*CASES, *LONG])
def test_every_name_makes_one_short_header(file_name):
    disposition = attachment(file_name, ID)
    assert len(disposition) < 1500
    # RFC 6266 section 4.1: one quoted name, then one in the form of RFC 8187, without another parameter.
    quoted = r'"[^"\\\x00-\x1f%]+\.[^"\\\x00-\x1f%]+"'
    extended = r"UTF-8''(?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+"
    assert re.fullmatch(rf"attachment; filename={quoted}; filename\*={extended}", disposition, re.ASCII)


def test_the_extension_of_a_long_name_stays():
    assert attachment("a" * 5000 + ".mp4", ID).count("aaa.mp4") == 2
