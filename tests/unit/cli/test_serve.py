"""What keeps a server from starting is told before it is loaded."""

from pathlib import Path

import pytest

from naiad.cli.edge import MISUSED
from naiad.cli.main import main


def test_a_state_folder_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert main(["serve", "--state", str(file)]) == MISUSED
    said = capsys.readouterr().err
    assert f"error: {file} cannot be the state folder: it is a file" in said
    assert "hint: give another one: --state" in said


def test_a_state_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["serve", "--state", str(tmp_path / "file" / "state")]) == MISUSED
    assert "cannot be the state folder: Not a directory" in capsys.readouterr().err
