"""Checks the changelog: its version is that of the package, its groups are the known parts, and its lines are short."""

import re
import sys
import tomllib
from pathlib import Path

import naiad

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("Trainer", "Jobs", "S3", "Endpoints", "Command line")
KINDS = ("Added", "Changed", "Fixed", "Removed", "Security")
MAX_WORDS = 15


def complaint() -> str | None:
    """Returns what is wrong, or None."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\]", text, flags=re.MULTILINE)
    if naiad.__version__ != version:
        return f"pyproject.toml has version {version}, naiad.__version__ is {naiad.__version__}"
    if headings[:2] != ["Unreleased", version]:
        return f"CHANGELOG.md begins with the headings {headings[:2]}, not with ['Unreleased', '{version}']"
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("### ") and line[4:] not in PARTS:
            return f"CHANGELOG.md:{number}: {line[4:]!r} is not one of the parts {PARTS}"
        if line.startswith("#### ") and line[5:] not in KINDS:
            return f"CHANGELOG.md:{number}: {line[5:]!r} is not one of {KINDS}"
        if line.startswith("- ") and len(line[2:].split()) > MAX_WORDS:
            return f"CHANGELOG.md:{number}: {len(line[2:].split())} words; a line has at most {MAX_WORDS}"
    return None


if __name__ == "__main__":
    sys.exit(complaint())
