"""docs/reference/cli.md says what the commands say of themselves."""

from pathlib import Path

from naiad.cli.reference import reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"


def test_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "write it anew: python -m naiad.cli.reference > docs/reference/cli.md"
    )
