from pathlib import Path
from typing import Any

import pytest

from naiad.client.data_upload import is_path_or_uri, upload_data
from naiad.errors import DataError


def keys(service: Any) -> list[str]:
    rows = service.client("s3").list_objects_v2(Bucket="naiad").get("Contents", [])
    return [row["Key"] for row in rows]


def test_paths_and_uris_are_not_names(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    assert is_path_or_uri("s3://bucket/prefix/")
    assert is_path_or_uri(tmp_path / "x.csv")
    assert is_path_or_uri(str(tmp_path / "x.csv"))
    assert not is_path_or_uri("fashion-mnist")


def test_a_missing_path_and_another_type_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        is_path_or_uri(tmp_path / "nothing")
    with pytest.raises(DataError, match="given list"):
        is_path_or_uri([1, 2])  # type: ignore[arg-type]  # reason: what a user may try


def test_data_in_s3_is_not_uploaded(service: Any) -> None:
    assert upload_data("s3://other/data/", service.client("s3"), "naiad") == "s3://other/data/"
    assert keys(service) == []


def test_a_folder_is_uploaded_once_under_the_digest_of_its_files(service: Any, tmp_path: Path) -> None:
    store = service.client("s3")
    (tmp_path / "data" / "cat").mkdir(parents=True)
    (tmp_path / "data" / "cat" / "1.txt").write_text("miau")
    uri = upload_data(tmp_path / "data", store, "naiad")
    prefix = uri.removeprefix("s3://naiad/")
    assert keys(service) == [f"{prefix}.complete", f"{prefix}cat/1.txt"]
    store.delete_object(Bucket="naiad", Key=f"{prefix}cat/1.txt")
    assert upload_data(tmp_path / "data", store, "naiad") == uri
    assert keys(service) == [f"{prefix}.complete"]
    (tmp_path / "data" / "cat" / "1.txt").write_text("wau")
    assert upload_data(tmp_path / "data", store, "naiad") != uri


def test_an_interrupted_upload_is_repeated(service: Any, tmp_path: Path) -> None:
    """The object .complete is written last."""
    store = service.client("s3")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    prefix = upload_data(tmp_path / "x.csv", store, "naiad").removeprefix("s3://naiad/")
    for name in (".complete", "x.csv"):
        store.delete_object(Bucket="naiad", Key=prefix + name)
    upload_data(tmp_path / "x.csv", store, "naiad")
    assert keys(service) == [f"{prefix}.complete", f"{prefix}x.csv"]


def test_an_empty_folder_is_refused(service: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is an empty folder"):
        upload_data(tmp_path / "empty", service.client("s3"), "naiad")
