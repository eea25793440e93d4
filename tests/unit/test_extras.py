import tomllib
from pathlib import Path

import pytest

from naiad import extras
from naiad.errors import PackageError

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
_NOT_LISTED = {"botocore"}
"""Comes with boto3."""


def distribution(requirement: str) -> str:
    """Returns the name of the distribution as the name of its module."""
    return (
        "".join(letter if letter.isalnum() or letter in "-_" else " " for letter in requirement)
        .split()[0]
        .replace("-", "_")
    )


def test_the_table_has_the_extras_of_the_project() -> None:
    declared = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for extra, packages in extras.EXTRAS.items():
        assert set(packages) - _NOT_LISTED == set(map(distribution, declared[extra]))
    assert set(declared) == {*extras.EXTRAS, "dev", "bench"}


def test_a_failed_import_names_the_extra() -> None:
    message = "the package psycopg is not installed; it belongs to the extra 'postgres'"
    with pytest.raises(PackageError, match=message) as caught, extras.explain_missing_packages():
        raise ModuleNotFoundError("No module named 'psycopg.rows'", name="psycopg.rows")
    assert caught.value.hint == "in the clone of Naiad: pip install -e '.[postgres]'"


def test_another_missing_module_is_raised_as_it_is() -> None:
    with pytest.raises(ModuleNotFoundError, match="nothing"), extras.explain_missing_packages():
        raise ModuleNotFoundError("No module named 'nothing'", name="nothing")


def test_a_required_package_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in ("cryptography", "orjson") else object())
    with pytest.raises(PackageError, match="orjson"):
        extras.require_extra("service")
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "cryptography" else object())
    extras.require_extra("service")
