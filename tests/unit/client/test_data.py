from pathlib import Path
from typing import Any

import pytest

from naiad.client.data import is_place, placed
from naiad.errors import DataError


def keys(service: Any) -> list[str]:
    rows = service.client("s3").list_objects_v2(Bucket="naiad").get("Contents", [])
    return [row["Key"] for row in rows]


def test_places_are_told_from_names(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    assert is_place("s3://bucket/prefix/")
    assert is_place(tmp_path / "x.csv")
    assert is_place(str(tmp_path / "x.csv"))
    assert not is_place("fashion-mnist")


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        is_place(tmp_path / "nothing")
    with pytest.raises(DataError, match="given list"):
        is_place([1, 2])  # type: ignore[arg-type]  # reason: what a user may try


def test_data_elsewhere_stays_there(service: Any) -> None:
    assert placed("s3://other/data/", service.client("s3"), "naiad") == "s3://other/data/"
    assert keys(service) == []


def test_a_folder_is_uploaded_once_under_what_it_holds(service: Any, tmp_path: Path) -> None:
    store = service.client("s3")
    (tmp_path / "data" / "cat").mkdir(parents=True)
    (tmp_path / "data" / "cat" / "1.txt").write_text("miau")
    uri = placed(tmp_path / "data", store, "naiad")
    prefix = uri.removeprefix("s3://naiad/")
    assert keys(service) == [f"{prefix}.complete", f"{prefix}cat/1.txt"]
    store.delete_object(Bucket="naiad", Key=f"{prefix}cat/1.txt")
    assert placed(tmp_path / "data", store, "naiad") == uri
    assert keys(service) == [f"{prefix}.complete"]
    (tmp_path / "data" / "cat" / "1.txt").write_text("wau")
    assert placed(tmp_path / "data", store, "naiad") != uri


def test_an_upload_that_was_cut_short_is_made_again(service: Any, tmp_path: Path) -> None:
    """The mark of a whole upload comes last."""
    store = service.client("s3")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    prefix = placed(tmp_path / "x.csv", store, "naiad").removeprefix("s3://naiad/")
    for name in (".complete", "x.csv"):
        store.delete_object(Bucket="naiad", Key=prefix + name)
    placed(tmp_path / "x.csv", store, "naiad")
    assert keys(service) == [f"{prefix}.complete", f"{prefix}x.csv"]


def test_an_empty_folder_is_refused(service: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is an empty folder"):
        placed(tmp_path / "empty", service.client("s3"), "naiad")
