"""The page of operations is what the handlers say."""

from pathlib import Path

from naiad.service.gateway.reference import reference

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "operations.md"


def test_the_page_is_what_the_handlers_say():
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "write it anew: python -m naiad.service.gateway.reference > docs/reference/operations.md"
    )
