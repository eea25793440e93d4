"""Blobs in plain folders: the store of one machine. ``names`` tells where an object lies, ``record`` what its file holds."""

import contextlib
import datetime as dt
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace as with_fields
from pathlib import Path
from typing import BinaryIO

from naiad import durable
from naiad.service.blobs.checksums import Digests, pieces
from naiad.service.blobs.errors import BucketExists, BucketNotEmpty, NoSuchKey
from naiad.service.blobs.files import translate_disk_errors
from naiad.service.blobs.listing import FolderCache, KeyWalk, page_of
from naiad.service.blobs.names import check_bucket, check_key, is_bucket, names_of
from naiad.service.blobs.object_record import Record, milliseconds
from naiad.service.blobs.port import (
    DEFAULT_CONTENT_TYPE,
    UNCONDITIONAL,
    CompletedPart,
    ObjectInfo,
    ObjectPage,
    Part,
    Upload,
    WriteCondition,
)
from naiad.service.blobs.store_folder import Reading, Space, plain
from naiad.service.blobs.uploads import Uploads
from naiad.service.domain.clock import Clock, SystemClock


class FolderBlobStore:
    """Processes and threads may have one root open at once, each with an object of its own."""

    def __init__(self, root: Path, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._space = Space(Path(root))
        self._uploads = Uploads(self._space, self._clock)
        self._names = FolderCache()

    def buckets(self) -> tuple[tuple[str, dt.datetime], ...]:
        folders = [path for path in self._space.root.iterdir() if is_bucket(path.name) and path.is_dir()]
        return tuple((path.name, self._created_at(path)) for path in sorted(folders))

    def create_bucket(self, bucket: str) -> None:
        folder = self._space.root / check_bucket(bucket)
        if folder.is_dir():
            raise BucketExists(f"there is a bucket {bucket} already")
        with translate_disk_errors():
            (self._space.created / bucket).touch(mode=0o600)
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                raise BucketExists(f"there is a bucket {bucket} already") from None
            durable.sync_folder(self._space.created)
            durable.sync_folder(self._space.root)

    def delete_bucket(self, bucket: str) -> None:
        folder = self._space.bucket(bucket)
        if KeyWalk(self._names, folder, prefix="", after="").next_key() is not None:
            raise BucketNotEmpty(f"bucket {bucket} has objects; delete them first")
        self._uploads.forget_bucket(bucket)
        try:
            _remove_empty(folder)
        except OSError:
            raise BucketNotEmpty(f"bucket {bucket} has files in its folder") from None
        (self._space.created / bucket).unlink(missing_ok=True)
        durable.sync_folder(self._space.root)

    def has_bucket(self, bucket: str) -> bool:
        return is_bucket(bucket) and (self._space.root / bucket).is_dir()

    def put(
        self,
        bucket: str,
        key: str,
        content: Iterable[bytes] | BinaryIO,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        checksums: Mapping[str, str] | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        self._space.bucket(bucket)
        check_key(key)
        digests = Digests({} if checksums is None else checksums)
        with self._space.temporary() as file:
            for piece in pieces(content):
                file.write(piece)
                digests.update(piece)
            record = Record(
                size=digests.size,
                etag=digests.etag,
                modified_ms=self._now_ms(),
                content_type=content_type,
                metadata=plain(metadata),
                headers=plain(headers),
                checksums=digests.checked(),
            )
            self._space.publish(file, bucket, key, record=record, condition=condition)
        return record.info(bucket, key)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        with self._space.open(bucket, key) as file:
            return file.record.info(bucket, key)

    def read(
        self, bucket: str, key: str, *, start: int = 0, length: int | None = None
    ) -> tuple[ObjectInfo, Iterator[bytes]]:
        file = self._space.open(bucket, key)
        return file.record.info(bucket, key), Reading(file, start, length)

    def copy(
        self,
        source: tuple[str, str],
        bucket: str,
        key: str,
        *,
        replace: ObjectInfo | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        self._space.bucket(bucket)
        check_key(key)
        with self._space.open(*source) as origin, self._space.temporary() as file:
            file.append(origin.fd, origin.record.size)
            record = with_fields(origin.record, modified_ms=self._now_ms(), upload_id=None)
            if replace:
                record = with_fields(
                    record,
                    content_type=replace.content_type,
                    metadata=plain(replace.metadata),
                    headers=plain(replace.headers),
                )
            self._space.publish(file, bucket, key, record=record, condition=condition)
        return record.info(bucket, key)

    def delete(self, bucket: str, key: str, *, condition: WriteCondition = UNCONDITIONAL) -> None:
        base = self._space.bucket(bucket)
        path = base.joinpath(*names_of(check_key(key)))
        gone = contextlib.suppress(FileNotFoundError, NotADirectoryError)
        with translate_disk_errors(), self._space.lock(bucket, key), gone:
            self._space.demand(condition, bucket, key)
            path.unlink()
            _remove_upwards(path.parent, base)

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> ObjectPage:
        walk = KeyWalk(self._names, self._space.bucket(bucket), prefix=prefix, after=after)
        page = page_of(walk, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
        found = (self._found(bucket, key) for key in page.keys)
        return ObjectPage(tuple(info for info in found if info), page.prefixes, page.next_start_after)

    def start_upload(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        algorithm: str | None = None,
        full_object: bool = False,
    ) -> Upload:
        upload = Upload(
            upload_id="",
            bucket=bucket,
            key=check_key(key),
            started_at=self._clock.now(),
            content_type=content_type,
            metadata=plain(metadata),
            headers=plain(headers),
            algorithm=algorithm,
            full_object=full_object,
        )
        return self._uploads.start(upload)

    def upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        return self._uploads.get(bucket, key, upload_id)

    def put_part(
        self,
        upload: Upload,
        number: int,
        content: Iterable[bytes] | BinaryIO,
        *,
        checksums: Mapping[str, str] | None = None,
    ) -> Part:
        return self._uploads.put_part(upload, number, content, {} if checksums is None else checksums)

    def list_parts(self, upload: Upload) -> tuple[Part, ...]:
        return self._uploads.parts(upload)

    def list_uploads(self, bucket: str, *, prefix: str = "") -> tuple[Upload, ...]:
        self._space.bucket(bucket)
        return self._uploads.of_bucket(bucket, prefix)

    def complete_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[CompletedPart],
        *,
        checksums: Mapping[str, str] | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        upload = self._uploads.named(bucket, key, upload_id)
        return self._uploads.complete(upload, parts, checksums or {}, condition)

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        self._uploads.abort(self._uploads.get(bucket, key, upload_id))

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def _found(self, bucket: str, key: str) -> ObjectInfo | None:
        """None for what was deleted since its name was read."""
        try:
            return self.head(bucket, key)
        except NoSuchKey:
            return None

    def _created_at(self, folder: Path) -> dt.datetime:
        marker = self._space.created / folder.name
        at = (marker if marker.exists() else folder).stat().st_mtime
        return dt.datetime.fromtimestamp(at, dt.UTC)


def _remove_empty(folder: Path) -> None:
    """The tree of a folder that holds folders only. Raises OSError where it holds a file."""
    for path, _, _ in os.walk(folder, topdown=False):
        Path(path).rmdir()


def _remove_upwards(folder: Path, base: Path) -> None:
    """Removes empty folders from ``folder`` up to, and without, ``base``; what is left is synced."""
    while folder != base:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            break
        folder = folder.parent
    durable.sync_folder(folder)
