import json
import math

import pytest

from naiad.cli.output import print_error, print_json, print_table


def test_json_is_strict(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"loss": math.nan, "steps": (1, 2), "best": [math.inf, 0.5], "name": "Größe"})
    text = capsys.readouterr().out
    assert json.loads(text) == {"loss": None, "steps": [1, 2], "best": [None, 0.5], "name": "Größe"}
    assert "Größe" in text


def test_tables_show_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "count"], [["[red]cats[/red]", "12"]])
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["name", "count"]
    assert out.splitlines()[1].split() == ["[red]cats[/red]", "12"]
    assert "\x1b" not in out


def test_errors_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("error: no", hint="try yes")
    assert capsys.readouterr() == ("", "error: no\n\nhint: try yes\n")
