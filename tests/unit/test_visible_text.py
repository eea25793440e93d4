"""Text as a terminal may show it."""

import json
import unicodedata

import pytest

from naiad.visible_text import visible_cell, visible_json, visible_line, visible_text

HARMLESS = "aß漢字😀\u200d👩 100 %|│–…"
CONTROLS = [
    *map(chr, (*range(32), 0x7F, *range(0x80, 0xA0))),
    *"\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a\u202d\u202e\u2060\u2066\u2069\ufeff\U000e0041",
]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"U+{ord(control):04X}")
def test_no_control_is_left(control: str) -> None:
    shown = visible_cell(f"a{control}b")
    assert shown.startswith("a\\")
    assert shown.endswith("b")
    assert shown.isprintable()


def test_what_is_harmless_stays() -> None:
    for show in (visible_text, visible_line, visible_cell):
        assert show(HARMLESS) == HARMLESS


def test_tabs_and_newlines_stay_where_they_are_part_of_the_form() -> None:
    assert visible_text("a\tb\nc\r\nd\re") == "a\tb\nc\nd\\re"
    assert visible_line("a\tb\nc") == "a\tb\\nc"
    assert visible_cell("a\tb\nc") == "a\\tb\\nc"


def test_sequences_of_a_terminal_are_seen() -> None:
    assert visible_line("\x1b[2K\x1b]0;title\x07 \x9b31m") == r"\x1b[2K\x1b]0;title\x07 \x9b31m"
    assert visible_line("file\u202egpj.exe") == r"file\u202egpj.exe"


def test_json_holds_the_same_values() -> None:
    values = {"name": "".join(CONTROLS) + HARMLESS}
    shown = visible_json(json.dumps(values, indent=1, ensure_ascii=False))
    assert json.loads(shown) == values
    assert not [letter for letter in shown if unicodedata.category(letter) == "Cc" and letter != "\n"]
    assert "\u202e" not in shown
