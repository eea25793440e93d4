"""docs/reference/cli.md holds the help of the commands."""

from pathlib import Path

from naiad.cli.reference import make_reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"


def test_the_page_holds_the_help_of_the_commands() -> None:
    assert PAGE.read_text(encoding="utf-8") == make_reference(), (
        "write it anew: python -m naiad.cli.reference > docs/reference/cli.md"
    )
