"""The page of operations agrees with the handlers."""

from pathlib import Path

from naiad.service.gateway.reference import operations_page

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "operations.md"


def test_the_page_agrees_with_the_handlers():
    assert PAGE.read_text(encoding="utf-8") == operations_page(), (
        "write it anew: python -m naiad.service.gateway.reference > docs/reference/operations.md"
    )
