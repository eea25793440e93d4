"""What is kept of what jobs fetch, and for how long."""

import io
import os
from pathlib import Path

import pytest

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import Blobs
from naiad.service.contract.object_cache import Cache

GONE = 2**22 + 1
"""Larger than any process id of Linux."""


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    opened = open_blobs(str(tmp_path / "blobs"))
    opened.create_bucket("naiad")
    for name in "abc":
        opened.put("naiad", name, io.BytesIO(name.encode() * 100))
    return opened


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def read(cache: Cache, blobs: Blobs, key: str) -> bytes:
    with cache.opened(blobs, blobs.head("naiad", key)) as file:
        return file.read()


def files(cache: Cache) -> list[Path]:
    return sorted((path for path in cache.folder.glob("*/*")), key=lambda path: path.stat().st_mtime_ns)


def kept(cache: Cache) -> list[bytes]:
    return sorted(path.read_bytes()[:1] for path in files(cache))


def test_what_is_used_again_stays_and_the_rest_makes_room(cache: Cache, blobs: Blobs) -> None:
    for key in "abc":
        read(cache, blobs, key)
    for age, path in enumerate(reversed(files(cache))):
        os.utime(path, (1_000 - age, 1_000 - age))
    assert read(cache, blobs, "a") == b"a" * 100
    cache.shrink(250)
    assert kept(cache) == [b"a", b"c"]
    cache.shrink(0)
    assert kept(cache) == []


def test_what_is_read_may_go_meanwhile(cache: Cache, blobs: Blobs) -> None:
    with cache.opened(blobs, blobs.head("naiad", "a")) as file:
        cache.shrink(0)
        assert file.read() == b"a" * 100
    assert read(cache, blobs, "a") == b"a" * 100


def test_a_tenth_of_the_disk_without_a_limit(cache: Cache, blobs: Blobs) -> None:
    read(cache, blobs, "a")
    cache.shrink()
    assert kept(cache) == [b"a"]


def test_what_dead_agents_have_begun_goes(cache: Cache, blobs: Blobs) -> None:
    folder = cache.folder / "00"
    folder.mkdir(parents=True)
    dead, alive = folder / f"x.{GONE}.part", folder / f"x.{os.getpid()}.part"
    for path in (dead, alive):
        path.write_bytes(b"begun")
    cache.shrink(0)
    assert files(cache) == [alive]


def test_nothing_was_fetched_yet(cache: Cache) -> None:
    cache.shrink(0)
    assert not cache.folder.exists()


def test_a_file_that_was_cut_is_fetched_again(cache: Cache, blobs: Blobs) -> None:
    read(cache, blobs, "a")
    files(cache)[0].write_bytes(b"cut")
    assert read(cache, blobs, "a") == b"a" * 100
