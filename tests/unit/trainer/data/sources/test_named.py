"""Data sets by name."""

from pathlib import Path

import pytest

from naiad.trainer.data.sources import named
from naiad.trainer.data.sources.named import cache_folder, dataset_names, open_named


def test_names_are_sorted() -> None:
    assert list(dataset_names()) == sorted(dataset_names())


@pytest.mark.parametrize(
    ("name", "test_samples", "shape"), [("digits", 360, (1, 8, 8)), ("iris", 30, (4,)), ("diabetes", 89, (10,))]
)
def test_sklearn_sets_have_a_fixed_test_split(name: str, test_samples: int, shape: tuple[int, ...]) -> None:
    raw = open_named(name)
    assert len(raw.splits["test"]) == test_samples
    assert tuple(raw.splits["train"].inputs.shape[1:]) == shape
    assert raw.splits["test"].names == open_named(name).splits["test"].names


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    monkeypatch.delenv("NAIAD_CACHE", raising=False)
    assert cache_folder() == tmp_path / "x" / "naiad"
    monkeypatch.setenv("NAIAD_CACHE", str(tmp_path / "n"))
    assert cache_folder() == tmp_path / "n"


def test_digits_replace_fashion_mnist_where_it_cannot_be_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("a file where the cache's folder should be")
    monkeypatch.setenv("NAIAD_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(named, "DEBIAN_FOLDER", tmp_path / "nowhere")
    raw = open_named("fashion-mnist")
    assert raw.name == "digits, in the place of fashion-mnist"
    assert raw.splits["train"].inputs.shape[1:] == (1, 28, 28)
    assert raw.findings.items[0].kind == "stand-in-data"
