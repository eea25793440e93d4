from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from naiad.cli.demo import _predict_test_images, clear_run
from naiad.errors import FolderError
from naiad.trainer.data.sources import named


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


def test_the_data_has_the_name_of_what_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits, because the cache's folder is a file and nothing can be downloaded into it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("NAIAD_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(named, "DEBIAN_FOLDER", tmp_path / "nowhere")

    def predict(images: Any) -> Any:
        return SimpleNamespace(labels=np.array(["7"] * len(images)), scores=np.full((len(images), 10), 0.1))

    model: Any = SimpleNamespace(classes=tuple("0123456789"), predict=predict)
    name, rows = _predict_test_images(model)
    assert name == "digits, in the place of fashion-mnist"
    assert len(rows) == 8
    assert rows[0]["predicted"] == "7"
    assert rows[0]["true"] in model.classes
