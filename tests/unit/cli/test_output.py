import io
import json
import math
import sys

import pytest

from naiad.cli.output import escape_unknown_letters, print_error, print_json, print_line, print_table


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


def text_stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)


def test_lines_and_tables_are_escaped_on_a_terminal_that_lacks_the_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = text_stream("ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    escape_unknown_letters()
    print_line("süß")
    print_table(["größe"], [["caf\udce9"]])
    text = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]  # reason: a BytesIO
    assert text.startswith("s\\xfc\\xdf\n")
    assert "caf\\udce9" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_can_be_read_back_whatever_the_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    stream, values = text_stream(encoding), {"name": "süß – €", "file": "caf\udce9"}
    monkeypatch.setattr(sys, "stdout", stream)
    print_json(values)
    assert json.loads(stream.buffer.getvalue().decode(encoding)) == values  # type: ignore[attr-defined]  # reason: as above
