import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.channels import ChannelFetcher, path_below
from naiad.service.domain.errors import Invalid, NotFound


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def source(uri: str, kind: str = "S3Prefix", distribution: str = "FullyReplicated") -> dict[str, str]:
    return {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": distribution}


@pytest.fixture
def fetch(blobs: BlobStore, tmp_path: Path) -> Callable[..., dict[str, bytes]]:
    """Fetches a channel and returns its files by name."""

    def run(source: dict[str, str], *, index: int = 0, instances: int = 1) -> dict[str, bytes]:
        target = tmp_path / f"channel-{index}"
        ChannelFetcher(blobs, tmp_path / "cache", index=index, instances=instances).fetch_channel(
            source, target, name="train"
        )
        return files(target)

    return run


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://naiad/data/", {"a": b"1", "deep/b": b"2"}),
        ("s3://naiad/data", {"a": b"1", "deep/b": b"2", "database": b"3"}),
        ("s3://naiad/data/a", {"a": b"1"}),
        ("s3://naiad/data/de", {"deep/b": b"2"}),
        ("s3://naiad", {"data/a": b"1", "data/deep/b": b"2", "database": b"3"}),
    ],
)
def test_a_prefix_is_a_folder_an_object_or_the_beginning_of_a_name(
    put: Any, fetch: Any, uri: str, expected: dict[str, bytes]
) -> None:
    put({"data/a": b"1", "data/deep/b": b"2", "data/folder/": b"", "database": b"3"})
    assert fetch(source(uri)) == expected


def test_a_manifest_names_objects_below_its_prefix(put: Any, fetch: Any) -> None:
    manifest = json.dumps([{"prefix": "s3://naiad/data/"}, "a", "deep/b"]).encode()
    put({"data/a": b"1", "data/deep/b": b"2", "data/c": b"3", "list.manifest": manifest})
    assert fetch(source("s3://naiad/list.manifest", "ManifestFile")) == {"a": b"1", "deep/b": b"2"}


@pytest.mark.parametrize(
    ("manifest", "error"),
    [
        (b"no json", Invalid),
        (b"[]", Invalid),
        (b"[" * 5000, Invalid),
        (b'[{"prefix": 5}]', Invalid),
        (b'["a"]', Invalid),
        (b'[{"prefix": "s3://naiad/"}, "../x"]', Invalid),
        (b'[{"prefix": "s3://naiad/"}, "absent"]', NotFound),
    ],
)
def test_a_manifest_that_is_not_valid(put: Any, fetch: Any, manifest: bytes, error: type[Exception]) -> None:
    put({"list.manifest": manifest, "../x": b"1"})
    with pytest.raises(error):
        fetch(source("s3://naiad/list.manifest", "ManifestFile"))


def test_the_shards_of_a_channel_hold_each_object_once(put: Any, fetch: Any) -> None:
    put({f"data/{number}": b"x" for number in range(7)})
    shards = [fetch(source("s3://naiad/data/", distribution="ShardedByS3Key"), index=i, instances=3) for i in range(3)]
    assert sorted(map(len, shards)) == [2, 2, 3]
    assert sorted(name for shard in shards for name in shard) == [str(number) for number in range(7)]


@pytest.mark.parametrize(
    ("keys", "uri", "expected"),
    [
        (("part/0.csv", "part-1.csv"), "part", ["0.csv", "part-1.csv"]),
        (("part", "part-1.csv", "part/0.csv"), "part", ["0.csv", "part", "part-1.csv"]),
        (("part-1.csv", "part-2.csv", "other"), "part", ["part-1.csv", "part-2.csv"]),
        (("deep/part-1/a", "deep/part-2/a", "deep/p"), "deep/part", ["part-1/a", "part-2/a"]),
        (("part/part-1.csv", "part-1.csv"), "part", ["part-1.csv", "part/part-1.csv"]),
        (("d//a", "d/b", "d/./c", "d///e//f"), "d/", ["a", "b", "c", "e/f"]),
        (("d//a", "d/b"), "d//", ["a"]),
        (("d//a", "d/b"), "d", ["a", "b"]),
        (("d/a", "d/", "d/e/"), "d", ["a"]),
    ],
)
def test_an_s3prefix_is_a_prefix_of_keys(
    put: Any, fetch: Any, keys: tuple[str, ...], uri: str, expected: list[str]
) -> None:
    put(dict.fromkeys(keys, b"1"))
    assert sorted(fetch(source(f"s3://naiad/{uri}"))) == expected


def test_an_https_url_of_s3_is_the_same_channel(put: Any, fetch: Any) -> None:
    put({"data set/a": b"1"})
    assert fetch(source("https://naiad.s3.eu-west-1.amazonaws.com/data%20set/")) == {"a": b"1"}


def test_two_keys_that_would_be_one_file_are_refused(put: Any, fetch: Any) -> None:
    put({"d//a": b"1", "d/a": b"2"})
    with pytest.raises(Invalid, match="the keys 'd//a' and 'd/a' would be one file, 'a'"):
        fetch(source("s3://naiad/d/"))


@pytest.mark.parametrize("key", ["data/../up", "data/.", "data/x/../../y"])
def test_a_key_that_cannot_be_a_file_name_is_refused(put: Any, fetch: Any, key: str) -> None:
    put({key: b"1"})
    with pytest.raises(Invalid, match="cannot be a file's name"):
        fetch(source("s3://naiad/data/"))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (("data/a", "data/a/b"), "the keys 'data/a' and 'data/a/b' both exist"),
        (("data/a", "data/a/b/c"), "the keys 'data/a' and 'data/a/b/c' both exist"),
        ((f"data/{'n' * 300}",), "cannot be a file's name here: File name too long"),
    ],
)
def test_keys_that_cannot_all_be_files_are_refused(put: Any, fetch: Any, keys: tuple[str, ...], message: str) -> None:
    put(dict.fromkeys(keys, b"1"))
    with pytest.raises(Invalid, match=message):
        fetch(source("s3://naiad/data/"))


def test_a_manifest_that_needs_a_folder_and_a_file_of_one_name(put: Any, fetch: Any) -> None:
    put({"a": b"1", "a/b": b"2", "list": json.dumps([{"prefix": "s3://naiad/"}, "a/b", "a"]).encode()})
    with pytest.raises(Invalid, match="the keys 'a/…' and 'a' both exist"):
        fetch(source("s3://naiad/list", "ManifestFile"))


def test_a_channel_without_objects_is_refused(fetch: Any) -> None:
    with pytest.raises(Invalid, match="channel train: there is no object below s3://naiad/none/"):
        fetch(source("s3://naiad/none/"))


def test_the_second_job_reads_from_the_cache(put: Any, fetch: Any, blobs: BlobStore, tmp_path: Path) -> None:
    """Changes the cached file, to see where the second job reads from."""
    put({"data/a": b"content"})
    fetch(source("s3://naiad/data/"))
    (cached,) = (path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    cached.write_bytes(b"CONTENT")
    assert fetch(source("s3://naiad/data/"), index=1) == {"a": b"CONTENT"}
    put({"data/a": b"changed"})
    assert fetch(source("s3://naiad/data/"), index=2) == {"a": b"changed"}


def test_a_job_that_changes_its_files_does_not_change_those_of_the_next_job(
    put: Any, fetch: Any, tmp_path: Path
) -> None:
    put({"data/a": b"content"})
    fetch(source("s3://naiad/data/"))
    (tmp_path / "channel-0" / "a").write_bytes(b"changed")
    assert fetch(source("s3://naiad/data/"), index=1) == {"a": b"content"}


@given(
    some.text(max_size=30)
    | some.lists(some.sampled_from(["..", ".", "", "a", "b\0", "~", "c"]), max_size=5).map("/".join)
)
def test_no_object_name_leads_out_of_the_folder(name: str) -> None:
    folder = Path("/somewhere/deep")
    try:
        path = path_below(folder, name)
    except Invalid:
        return
    assert PurePosixPath(path).is_relative_to(folder)
    assert ".." not in path.parts
    assert path != folder
