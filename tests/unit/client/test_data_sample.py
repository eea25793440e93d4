from pathlib import Path
from typing import Any

import pytest

from naiad.client import data_sample
from naiad.client.data_sample import MAX_FILES, DataFile, choose_files, download_sample, sample_folder
from naiad.errors import DataError


def put_objects(service: Any, *keys: str) -> Any:
    store = service.client("s3")
    for key in keys:
        store.put_object(Bucket="naiad", Key=key, Body=key.encode())
    return store


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_few_files_are_taken_whole() -> None:
    few = [DataFile(f"a/{number}", 1) for number in range(MAX_FILES)]
    assert choose_files(few, source="x") == few


def test_each_folder_of_many_files_gives_evenly_spaced_ones() -> None:
    many = [DataFile(f"{kind}/{number:05d}.png", 1) for kind in "abcd" for number in range(1000)]
    sample = [file.name for file in choose_files(many, source="x")]
    assert len(sample) == MAX_FILES
    for kind in "abcd":
        numbers = [int(name[2:7]) for name in sample if name.startswith(kind)]
        assert len(numbers) == MAX_FILES // 4
        assert min(numbers) < 50
        assert max(numbers) > 950


def test_each_of_many_folders_gives_four_files_or_all_it_has() -> None:
    many = [DataFile(f"{kind}/{number}", 1) for kind in range(500) for number in range(9)]
    sample = choose_files([*many, DataFile("alone/1", 1)], source="x")
    assert len(sample) == 500 * 4 + 1


def test_a_file_that_is_too_large_to_download_is_named() -> None:
    with pytest.raises(DataError, match=r"s3://b/x is too large .* file big.csv has 300,000,000 bytes"):
        choose_files([DataFile("big.csv", 300_000_000), DataFile("small.csv", 1)], source="s3://b/x")


def test_a_small_folder_is_used_as_it_is_and_a_large_one_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_sample, "MAX_FILES", 8)
    for kind in "ab":
        (tmp_path / "data" / kind).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "data" / kind / str(number)).write_text("x")
    assert sample_folder(tmp_path / "data", tmp_path / "target") == tmp_path / "data"
    (tmp_path / "data" / "b" / "5").write_text("x")
    assert sample_folder(tmp_path / "data", tmp_path / "target") == tmp_path / "target"
    assert len(files(tmp_path / "target")) == 8


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("in/", ["a.txt", "deep/b.txt"]),
        ("in", ["a.txt", "deep/b.txt"]),
        ("in/a.txt", ["a.txt"]),
        ("in/a", ["a.txt"]),
        ("inner", ["inner.txt"]),
    ],
)
def test_files_have_the_names_of_a_jobs_channel(service: Any, tmp_path: Path, prefix: str, names: list[str]) -> None:
    store = put_objects(service, "in/a.txt", "in/deep/b.txt", "inner.txt")
    download_sample(store, f"s3://naiad/{prefix}", tmp_path / "target")
    assert files(tmp_path / "target") == names


def test_a_prefix_without_objects_is_an_error(service: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no object below s3://naiad/nothing"):
        download_sample(service.client("s3"), "s3://naiad/nothing", tmp_path)


@pytest.mark.parametrize("key", ["in/../../out.txt", "in//a.txt"])
def test_a_key_cannot_lead_out_of_the_folder(service: Any, tmp_path: Path, key: str) -> None:
    store = put_objects(service, key)
    with pytest.raises(DataError, match="cannot be a file's name"):
        download_sample(store, "s3://naiad/in/", tmp_path / "deep" / "target")
    assert files(tmp_path / "deep") == []
