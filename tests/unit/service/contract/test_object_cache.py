"""The cache of fetched objects: what it keeps, and for how long."""

import errno
import io
import os
from pathlib import Path

import pytest

from naiad import disk_room
from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import BlobStore
from naiad.service.contract.object_cache import ObjectCache

DEAD_PID = 2**22 + 1
"""Larger than any process id of Linux."""


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    opened = open_blobs(str(tmp_path / "blobs"))
    opened.create_bucket("naiad")
    for name in "abc":
        opened.put("naiad", name, io.BytesIO(name.encode() * 100))
    return opened


@pytest.fixture
def cache(tmp_path: Path) -> ObjectCache:
    return ObjectCache(tmp_path / "cache")


def read(cache: ObjectCache, blobs: BlobStore, key: str) -> bytes:
    with cache.open(blobs, blobs.head("naiad", key)) as file:
        return file.read()


def files(cache: ObjectCache) -> list[Path]:
    return sorted((path for path in cache.folder.glob("*/*")), key=lambda path: path.stat().st_mtime_ns)


def contents(cache: ObjectCache) -> list[bytes]:
    return sorted(path.read_bytes()[:1] for path in files(cache))


def test_the_least_recently_used_objects_are_removed_first(cache: ObjectCache, blobs: BlobStore) -> None:
    for key in "abc":
        read(cache, blobs, key)
    for age, path in enumerate(reversed(files(cache))):
        os.utime(path, (1_000 - age, 1_000 - age))
    assert read(cache, blobs, "a") == b"a" * 100
    cache.shrink(250)
    assert contents(cache) == [b"a", b"c"]
    cache.shrink(0)
    assert contents(cache) == []


def test_an_object_that_is_being_read_may_be_removed(cache: ObjectCache, blobs: BlobStore) -> None:
    with cache.open(blobs, blobs.head("naiad", "a")) as file:
        cache.shrink(0)
        assert file.read() == b"a" * 100
    assert read(cache, blobs, "a") == b"a" * 100


def test_the_default_limit_is_a_tenth_of_the_disk(cache: ObjectCache, blobs: BlobStore) -> None:
    read(cache, blobs, "a")
    cache.shrink()
    assert contents(cache) == [b"a"]


def test_half_fetched_files_of_dead_agents_are_removed(cache: ObjectCache, blobs: BlobStore) -> None:
    folder = cache.folder / "00"
    folder.mkdir(parents=True)
    dead, alive = folder / f"x.{DEAD_PID}.part", folder / f"x.{os.getpid()}.part"
    for path in (dead, alive):
        path.write_bytes(b"half")
    cache.shrink(0)
    assert files(cache) == [alive]


def test_a_cache_without_a_folder_is_left_alone(cache: ObjectCache) -> None:
    cache.shrink(0)
    assert not cache.folder.exists()


def test_a_truncated_file_is_fetched_again(cache: ObjectCache, blobs: BlobStore) -> None:
    read(cache, blobs, "a")
    files(cache)[0].write_bytes(b"cut")
    assert read(cache, blobs, "a") == b"a" * 100


def test_the_last_room_of_a_disk_is_left_to_others(
    cache: ObjectCache, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(disk_room, "check_margin", refuse)
    with pytest.raises(OSError, match="no room"):
        read(cache, blobs, "a")
    assert files(cache) == []
