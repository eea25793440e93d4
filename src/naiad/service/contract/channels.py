"""Channels: fetches the objects that a job reads as files, through a cache that all jobs share."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from naiad.service.blobs.port import BlobStore, ObjectInfo
from naiad.service.contract.object_cache import ObjectCache
from naiad.service.contract.prefix_objects import file_name, named_objects
from naiad.service.contract.s3_uri import S3Uri, parse_s3_uri
from naiad.service.domain.errors import Invalid

_MAX_MANIFEST_BYTES = 64 * 2**20
_COPY_BYTES = 2**24
_NO_COPY_RANGE_ERRNOS = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of a kernel that cannot copy from one file to the other by itself."""
_NAME_CONFLICT_ERRNOS = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
"""Errors of a file system when a key would need the file of another key as its folder."""


class ChannelFetcher:
    """Fetches channels for one instance: ``index`` of ``instances`` selects its files of a sharded channel."""

    def __init__(self, blobs: BlobStore, cache: Path, *, index: int, instances: int) -> None:
        self._blobs, self._cache, self._index, self._instances = blobs, ObjectCache(cache), index, instances

    def fetch_channel(self, source: Mapping[str, Any], target: Path, *, name: str) -> int:
        """Fetches the objects of an ``S3DataSource`` into ``target`` and returns the number of files.

        Raises Invalid when there is no object, or when a key cannot be a file's name.
        """
        target.mkdir(parents=True, exist_ok=True)
        uri = parse_s3_uri(source["S3Uri"], at=f"channel {name}")
        objects = list(self._objects(source["S3DataType"], uri))
        if not objects:
            raise Invalid(f"channel {name}: there is no object below {source['S3Uri']}")
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            objects = objects[self._index :: self._instances]
        for info, relative in objects:
            self.fetch_object(info, path_below(target, relative))
        return len(objects)

    def fetch_object(self, info: ObjectInfo, path: Path) -> None:
        """Raises NotFound when the object was deleted meanwhile, Invalid when no file can have the name."""
        try:
            with self._cache.open(self._blobs, info) as content:
                path.parent.mkdir(parents=True, exist_ok=True)
                _copy(content, path)
        except OSError as error:
            if error.errno in _NAME_CONFLICT_ERRNOS:
                raise Invalid(_conflict_message(info.key, path)) from error
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise Invalid(f"the key {info.key[:200]!r} cannot be a file's name here: {error.strerror}") from error

    def _objects(self, data_type: str, uri: S3Uri) -> Iterator[tuple[ObjectInfo, str]]:
        """Yields (object, its name below the channel)."""
        if data_type == "ManifestFile":
            yield from self._manifest_objects(uri)
            return
        if data_type != "S3Prefix":
            raise Invalid(f"S3DataType {data_type} is not served: use S3Prefix or ManifestFile")
        yield from named_objects(self._blobs, uri)

    def _manifest_objects(self, uri: S3Uri) -> Iterator[tuple[ObjectInfo, str]]:
        """Reads a manifest: ``[{"prefix": "s3://…/"}, "relative/name", …]``."""
        _, content = self._blobs.read(uri.bucket, uri.key, length=_MAX_MANIFEST_BYTES)
        try:
            first, *names = json.loads(b"".join(content))
            base = parse_s3_uri(str(first["prefix"]), at="the manifest's prefix")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise Invalid(f"s3://{uri.bucket}/{uri.key} is not a manifest: {error}") from error
        for name in names:
            yield self._blobs.head(base.bucket, base.key + str(name)), str(name)


def path_below(folder: Path, name: str) -> Path:
    """Returns the path of the object ``name`` below ``folder``; "a//b" is "a/b". Raises Invalid when it would lead elsewhere."""
    parts = file_name(name).split("/")
    if not all(parts) or ".." in parts or "\0" in name:
        raise Invalid(f"the key {name[:200]!r} cannot be a file's name below {folder.name}")
    return folder.joinpath(*parts)


def _copy(source: IO[bytes], path: Path) -> None:
    """Copies a file. Where the file system can share blocks (btrfs, XFS), the copy takes no room of its own."""
    with path.open("wb") as file:
        try:
            while os.copy_file_range(source.fileno(), file.fileno(), _COPY_BYTES):
                pass
        except OSError as error:
            if error.errno not in _NO_COPY_RANGE_ERRNOS:
                raise
            shutil.copyfileobj(source, file, _COPY_BYTES)


def _conflict_message(key: str, path: Path) -> str:
    """Describes why the file of ``key`` cannot be written at ``path``: another key already has a file or a folder there."""
    depth = next((depth for depth, ancestor in enumerate((path, *path.parents)) if ancestor.is_file()), 0)
    other = key.rsplit("/", depth)[0] if depth else f"{key}/…"
    return (
        f"the keys {other[:200]!r} and {key[:200]!r} both exist, and a disk cannot have a file and a folder of one name: "
        "rename one of them, or list those that the job needs in a ManifestFile"
    )
