from pathlib import Path

from naiad.cli.train import free_folder


def test_a_run_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    assert free_folder(tmp_path, "simplenet", "fashion-mnist").name == "simplenet-fashion-mnist"
    assert free_folder(tmp_path, "nets/mine.py:Net", "/data/photos/").name == "mine-photos"
    assert free_folder(tmp_path, "auto", "../houses.csv").name == "auto-houses"


def test_a_taken_one_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "mlp-iris").mkdir()
    (tmp_path / "mlp-iris-2").mkdir()
    assert free_folder(tmp_path, "mlp", "iris").name == "mlp-iris-3"
