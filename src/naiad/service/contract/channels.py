"""Channels: the objects that a job reads, as files, through a cache by content that all jobs share."""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from naiad.service.blobs.port import BlobInfo, Blobs
from naiad.service.contract.object_cache import Cache
from naiad.service.contract.s3_uri import S3Uri, parse_s3_uri
from naiad.service.domain.errors import Invalid, NotFound

_PAGE = 1_000
_LARGEST_MANIFEST = 64 * 2**20
_CHUNK = 2**24
_NO_COPY_RANGE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""What a kernel says that cannot copy from one file to the other by itself."""
_TAKEN = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
"""What a file system says to a key that would need another's file as its folder."""


class Fetcher:
    """For one instance: ``index`` of ``instances`` decides its share of a sharded channel."""

    def __init__(self, blobs: Blobs, cache: Path, *, index: int, instances: int) -> None:
        self._blobs, self._cache, self._index, self._instances = blobs, Cache(cache), index, instances

    def channel(self, source: Mapping[str, Any], target: Path, *, name: str) -> int:
        """Of an ``S3DataSource``. Returns how many files. Raises Invalid for nothing, or for a key that is no file's name."""
        target.mkdir(parents=True, exist_ok=True)
        uri = parse_s3_uri(source["S3Uri"], at=f"channel {name}")
        found = list(self._of(source["S3DataType"], uri))
        if not found:
            raise Invalid(f"channel {name}: there is no object below {source['S3Uri']}")
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            found = found[self._index :: self._instances]
        for info, relative in found:
            self.file(info, below(target, relative))
        return len(found)

    def file(self, info: BlobInfo, path: Path) -> None:
        """Raises NotFound when it was deleted meanwhile, Invalid where no file can have the name."""
        try:
            with self._cache.opened(self._blobs, info) as kept:
                path.parent.mkdir(parents=True, exist_ok=True)
                _copy(kept, path)
        except OSError as error:
            if error.errno in _TAKEN:
                raise Invalid(_both(info.key, path)) from error
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise Invalid(f"the key {info.key[:200]!r} cannot be a file's name here: {error.strerror}") from error

    def _of(self, kind: str, uri: S3Uri) -> Iterator[tuple[BlobInfo, str]]:
        """(object, its name below the channel)."""
        if kind == "ManifestFile":
            yield from self._of_manifest(uri)
            return
        if kind != "S3Prefix":
            raise Invalid(f"S3DataType {kind} is not served: take S3Prefix or ManifestFile")
        with contextlib.suppress(NotFound):
            if uri.key and not uri.key.endswith("/"):
                yield self._blobs.head(uri.bucket, uri.key), uri.key.rpartition("/")[2]
                return
        start = len(uri.key) if uri.key.endswith("/") or not uri.key else uri.key.rfind("/") + 1
        if uri.key and not uri.key.endswith("/") and self._is_folder(uri):
            start, uri = len(uri.key) + 1, S3Uri(uri.bucket, f"{uri.key}/")
        for info in self._all(uri):
            if not info.key.endswith("/"):
                yield info, info.key[start:]

    def _is_folder(self, uri: S3Uri) -> bool:
        return bool(self._blobs.list(uri.bucket, prefix=f"{uri.key}/", limit=1).blobs)

    def _all(self, uri: S3Uri) -> Iterator[BlobInfo]:
        after = ""
        while True:
            page = self._blobs.list(uri.bucket, prefix=uri.key, after=after, limit=_PAGE)
            yield from page.blobs
            if page.next_after is None:
                return
            after = page.next_after

    def _of_manifest(self, uri: S3Uri) -> Iterator[tuple[BlobInfo, str]]:
        """``[{"prefix": "s3://…/"}, "relative/name", …]``"""
        _, content = self._blobs.read(uri.bucket, uri.key, length=_LARGEST_MANIFEST)
        try:
            first, *names = json.loads(b"".join(content))
            base = parse_s3_uri(str(first["prefix"]), at="the manifest's prefix")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise Invalid(f"s3://{uri.bucket}/{uri.key} is no manifest: {error}") from error
        for name in names:
            yield self._blobs.head(base.bucket, base.key + str(name)), str(name)


def _copy(source: IO[bytes], path: Path) -> None:
    """Sharing its blocks where the file system can (btrfs, XFS): then it takes no room of its own."""
    with path.open("wb") as file:
        try:
            while os.copy_file_range(source.fileno(), file.fileno(), _CHUNK):
                pass
        except OSError as error:
            if error.errno not in _NO_COPY_RANGE:
                raise
            shutil.copyfileobj(source, file, _CHUNK)


def _both(key: str, path: Path) -> str:
    """``path`` is that of ``key``, and cannot be."""
    depth = next((depth for depth, one in enumerate((path, *path.parents)) if one.is_file()), 0)
    other = key.rsplit("/", depth)[0] if depth else f"{key}/…"
    return (
        f"the keys {other[:200]!r} and {key[:200]!r} both exist, and a disk has no file and folder of one name: rename one of "
        "them, or name those that the job needs in a ManifestFile"
    )


def below(folder: Path, name: str) -> Path:
    """Raises Invalid."""
    parts = name.split("/")
    if not all(part and part not in (".", "..") for part in parts) or "\0" in name:
        raise Invalid(f"the key {name[:200]!r} cannot be a file's name below {folder.name}")
    return folder.joinpath(*parts)
