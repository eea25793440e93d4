"""Attempts on the page about security each have a test, and the page says where."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "concepts" / "security.md"
ROOMS = {
    "walls": "unit/service/walls",
    "agent": "unit/service/jobs/agent",
    "serving": "unit/service/endpoints/serving",
    "worker": "unit/service/endpoints/worker",
    "trainer": "unit/trainer",
    "client": "unit/client",
}


def test_each_attempt_names_tests_that_are_there():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [row for row in rows if not row.startswith("|---") and not row.endswith("| test |")]
    assert rows
    for row in rows:
        names = re.findall(r"`([\w/]+\.py)`", row.split("|")[-2])
        assert names, row
        for name in names:
            assert find_test(name).is_file(), row


def find_test(name: str) -> Path:
    room, _, rest = name.partition("/")
    if room in ROOMS:
        return TESTS / ROOMS[room] / rest
    return TESTS / name if rest else TESTS / "unit" / name
