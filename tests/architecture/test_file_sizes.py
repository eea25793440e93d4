"""One thought a file: a long file has two."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 300
EXCEPTIONS: dict[str, str] = {}
"""File → why it may be longer."""

SOURCES = sorted((ROOT / "src").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    name = str(path.relative_to(ROOT))
    assert lines <= MOST_LINES or name in EXCEPTIONS, f"{lines} lines: split it by noun"


def test_no_exception_is_stale() -> None:
    longer = {str(path.relative_to(ROOT)) for path in SOURCES if len(path.read_text("utf-8").splitlines()) > MOST_LINES}
    assert set(EXCEPTIONS) <= longer
