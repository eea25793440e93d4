"""The page of scopes agrees with the table."""

from pathlib import Path

from naiad.service.gateway.scope_reference import scopes_page

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "scopes.md"


def test_the_page_agrees_with_the_table():
    assert PAGE.read_text(encoding="utf-8") == scopes_page(), (
        "write it anew: python -m naiad.service.gateway.scope_reference > docs/reference/scopes.md"
    )
