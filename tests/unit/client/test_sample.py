from pathlib import Path
from typing import Any

import pytest

from naiad.client import sample
from naiad.client.sample import MOST_FILES, Listed, chosen, fetched_sample, sampled_folder
from naiad.errors import DataError


def put(service: Any, *keys: str) -> Any:
    store = service.client("s3")
    for key in keys:
        store.put_object(Bucket="naiad", Key=key, Body=key.encode())
    return store


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_few_files_are_taken_whole() -> None:
    few = [Listed(f"a/{number}", 1) for number in range(MOST_FILES)]
    assert chosen(few, of="x") == few


def test_of_many_each_folder_gives_some_from_all_over_it() -> None:
    many = [Listed(f"{kind}/{number:05d}.png", 1) for kind in "abcd" for number in range(1000)]
    picked = [file.name for file in chosen(many, of="x")]
    assert len(picked) == MOST_FILES
    for kind in "abcd":
        numbers = [int(name[2:7]) for name in picked if name.startswith(kind)]
        assert len(numbers) == MOST_FILES // 4
        assert min(numbers) < 50
        assert max(numbers) > 950


def test_small_folders_give_all_they_have_and_large_numbers_of_folders_four_each() -> None:
    many = [Listed(f"{kind}/{number}", 1) for kind in range(500) for number in range(9)]
    picked = chosen([*many, Listed("alone/1", 1)], of="x")
    assert len(picked) == 500 * 4 + 1


def test_a_file_too_large_to_fetch_is_named() -> None:
    with pytest.raises(DataError, match=r"s3://b/x is too large .* file big.csv has 300,000,000 bytes"):
        chosen([Listed("big.csv", 300_000_000), Listed("small.csv", 1)], of="s3://b/x")


def test_a_small_folder_is_used_in_place_and_a_large_one_copied_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_FILES", 8)
    for kind in "ab":
        (tmp_path / "data" / kind).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "data" / kind / str(number)).write_text("x")
    assert sampled_folder(tmp_path / "data", tmp_path / "target") == tmp_path / "data"
    (tmp_path / "data" / "b" / "5").write_text("x")
    assert sampled_folder(tmp_path / "data", tmp_path / "target") == tmp_path / "target"
    assert len(files(tmp_path / "target")) == 8


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("in/", ["a.txt", "deep/b.txt"]),
        ("in", ["a.txt", "deep/b.txt"]),
        ("in/a.txt", ["a.txt"]),
        ("in/a", ["a.txt"]),
        ("inner", ["inner.txt"]),
    ],
)
def test_names_are_those_of_a_jobs_channel(service: Any, tmp_path: Path, prefix: str, found: list[str]) -> None:
    store = put(service, "in/a.txt", "in/deep/b.txt", "inner.txt")
    fetched_sample(store, f"s3://naiad/{prefix}", tmp_path / "target")
    assert files(tmp_path / "target") == found


def test_nothing_there_is_told(service: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no object below s3://naiad/nothing"):
        fetched_sample(service.client("s3"), "s3://naiad/nothing", tmp_path)


@pytest.mark.parametrize("key", ["in/../../out.txt", "in//a.txt"])
def test_a_key_cannot_lead_out_of_the_folder(service: Any, tmp_path: Path, key: str) -> None:
    store = put(service, key)
    with pytest.raises(DataError, match="cannot be a file's name"):
        fetched_sample(store, "s3://naiad/in/", tmp_path / "deep" / "target")
    assert files(tmp_path / "deep") == []
