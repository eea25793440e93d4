"""A store of objects in a folder, with the bucket ``naiad``."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import BlobStore


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    store = open_blobs(str(tmp_path / "blobs"))
    store.create_bucket("naiad")
    return store


@pytest.fixture
def put(blobs: BlobStore) -> Callable[[Mapping[str, bytes]], None]:
    """Puts objects into the bucket: ``put({"key": b"content"})``."""

    def put_all(objects: Mapping[str, bytes]) -> None:
        for key, content in objects.items():
            blobs.put("naiad", key, io.BytesIO(content))

    return put_all


@pytest.fixture
def stored(blobs: BlobStore) -> Callable[[], dict[str, bytes]]:
    """Returns all objects of the bucket."""

    def read_all() -> dict[str, bytes]:
        objects = blobs.list("naiad", prefix="", limit=1000).objects
        return {info.key: b"".join(blobs.read("naiad", info.key)[1]) for info in objects}

    return read_all
