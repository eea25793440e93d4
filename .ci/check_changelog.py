"""Holds the version in one line of agreement: pyproject.toml, ``naiad.__version__`` and the changelog's newest heading."""

import re
import sys
import tomllib
from pathlib import Path

import naiad

ROOT = Path(__file__).resolve().parent.parent


def complaint() -> str | None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    if naiad.__version__ != version:
        return f"pyproject.toml has version {version}, naiad.__version__ is {naiad.__version__}"
    if headings[:2] != ["Unreleased", version]:
        return f"CHANGELOG.md begins with the headings {headings[:2]}, not with ['Unreleased', '{version}']"
    return None


if __name__ == "__main__":
    sys.exit(complaint())
