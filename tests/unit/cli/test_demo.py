from pathlib import Path

import pytest

from naiad.cli.demo import clear_run
from naiad.errors import FolderError


def test_an_earlier_run_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    (folder / "checkpoints").mkdir(parents=True)
    clear_run(folder)
    assert not folder.exists()
    assert "replacing the run" in capsys.readouterr().err


def test_a_missing_or_empty_folder_is_left_alone(tmp_path: Path) -> None:
    clear_run(tmp_path / "new")
    clear_run(tmp_path)
    assert tmp_path.exists()


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FolderError, match="is no run"):
        clear_run(tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_a_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(FolderError):
        clear_run(tmp_path / "demo")
