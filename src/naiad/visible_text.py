r"""Text of programs, data and servers as a terminal may show it. Every command shows such text by these functions.

A terminal obeys some letters: ESC and the C1 controls move its cursor, colour it and set its title, CR writes over a line, and
controls of direction show letters in another order. Here they become escapes such as ``\x1b``, so that they are seen.
"""

import json
import re

_CONTROLS = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    r"\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # direction, lines, no width
    r"\U000e0000-\U000e007f"  # tags
)
_IN_TEXT = re.compile(f"[{_CONTROLS}]")
_IN_LINE = re.compile(rf"[\n{_CONTROLS}]")
_IN_CELL = re.compile(rf"[\t\n{_CONTROLS}]")


def visible_text(text: str) -> str:
    """Returns the text with its newlines and tabs, and each other control escaped. CR LF is a newline."""
    return _IN_TEXT.sub(_escape, text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """Returns the text as one line: newlines are escaped, too."""
    return _IN_LINE.sub(_escape, text)


def visible_cell(text: str) -> str:
    """Returns the text as one cell of a line whose cells are separated by tabs."""
    return _IN_CELL.sub(_escape, text)


def visible_json(text: str) -> str:
    """Returns JSON that holds the same values, with controls as JSON's own escapes."""
    return _IN_TEXT.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
