from pathlib import Path

import pytest

from naiad.cli.main import main
from naiad.cli.train import free_folder, print_summary


def test_the_default_folder_has_the_names_of_network_and_data(tmp_path: Path) -> None:
    assert free_folder(tmp_path, "simplenet", "fashion-mnist").name == "simplenet-fashion-mnist"
    assert free_folder(tmp_path, "nets/mine.py:Net", "/data/photos/").name == "mine-photos"
    assert free_folder(tmp_path, "auto", "../houses.csv").name == "auto-houses"


def test_a_folder_that_exists_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "mlp-iris").mkdir()
    (tmp_path / "mlp-iris-2").mkdir()
    assert free_folder(tmp_path, "mlp", "iris").name == "mlp-iris-3"


def test_a_better_method_is_printed_first(capsys: pytest.CaptureFixture[str]) -> None:
    result = {
        "evaluations": {}, "baseline": {"better_method": "ridge regression validates better"},
        "seconds": 1.0, "epochs": 1, "artifact": "a", "report": None,
    }  # fmt: skip
    print_summary(result)
    assert capsys.readouterr().out.splitlines()[0] == "note       ridge regression validates better"


def test_findings_name_the_options_as_they_are_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "x.csv"
    data.write_text("x,y,class,label\n" + "".join(f"{i % 7},{i % 5},{i % 2},{i % 2}\n" for i in range(40)))
    command = ["train", "auto", str(data), "--epochs", "1", "--no-report", "--out", str(tmp_path / "run")]
    assert main(command) == 0
    shown = capsys.readouterr().err
    assert "choose one with --label" in shown
    assert "label=" not in shown
