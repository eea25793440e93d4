"""The blob store in plain folders, for one machine. ``names`` has an object's path, ``object_record`` the form of its file."""

import contextlib
import datetime as dt
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace as with_fields
from pathlib import Path
from typing import BinaryIO

from naiad import durable
from naiad.service.blobs.block_sums import BLOCK_BYTES
from naiad.service.blobs.content_writer import write_content
from naiad.service.blobs.customer_key import Decryption, seal_key
from naiad.service.blobs.customer_key import check_key as check_customer_key
from naiad.service.blobs.damage_log import DamageLog
from naiad.service.blobs.errors import BucketExists, BucketNotEmpty, DamagedObject, NoSuchKey, PreconditionFailed
from naiad.service.blobs.files import translate_disk_errors
from naiad.service.blobs.listing import FolderCache, KeyWalk, collect_page
from naiad.service.blobs.names import check_bucket_name, check_key, is_bucket_name
from naiad.service.blobs.object_file import RangeReader
from naiad.service.blobs.object_record import ObjectRecord, to_epoch_ms
from naiad.service.blobs.port import (
    NO_ATTRIBUTES,
    UNCONDITIONAL,
    CompletedPart,
    ObjectAttributes,
    ObjectInfo,
    ObjectPage,
    ObjectPart,
    Part,
    Upload,
    WriteCondition,
)
from naiad.service.blobs.store_folder import StoreFolder, append_content, summed
from naiad.service.blobs.uploads import FolderUploads
from naiad.service.domain.clock import Clock, SystemClock


class FolderBlobStore:
    """Several processes may open one root at once, each with a FolderBlobStore of its own."""

    def __init__(self, root: Path, *, clock: Clock | None = None, damage: DamageLog | None = None) -> None:
        """``damage`` learns of the objects that are found damaged."""
        self._clock = clock or SystemClock()
        self._folder = StoreFolder(Path(root), damage or DamageLog())
        self._uploads = FolderUploads(self._folder, self._clock)
        self._cache = FolderCache()

    def list_buckets(self) -> tuple[tuple[str, dt.datetime], ...]:
        folders = [path for path in self._folder.root.iterdir() if is_bucket_name(path.name) and path.is_dir()]
        return tuple((path.name, self._created_at(path)) for path in sorted(folders))

    def create_bucket(self, bucket: str) -> None:
        folder = self._folder.root / check_bucket_name(bucket)
        if folder.is_dir():
            raise BucketExists(f"there is a bucket {bucket} already")
        with translate_disk_errors():
            (self._folder.bucket_markers / bucket).touch(mode=0o600)
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                raise BucketExists(f"there is a bucket {bucket} already") from None
            durable.sync_folder(self._folder.bucket_markers)
            durable.sync_folder(self._folder.root)

    def delete_bucket(self, bucket: str) -> None:
        folder = self._folder.bucket_folder(bucket)
        if KeyWalk(self._cache, folder, prefix="", start_after="").next_key() is not None:
            raise BucketNotEmpty(f"bucket {bucket} has objects; delete them first")
        self._uploads.abort_all(bucket)
        self._folder.remove_tree(self._folder.configurations / bucket)
        try:
            _remove_empty_tree(folder)
        except OSError:
            raise BucketNotEmpty(f"bucket {bucket} has files in its folder") from None
        (self._folder.bucket_markers / bucket).unlink(missing_ok=True)
        durable.sync_folder(self._folder.root)

    def has_bucket(self, bucket: str) -> bool:
        return is_bucket_name(bucket) and (self._folder.root / bucket).is_dir()

    def put(
        self,
        bucket: str,
        key: str,
        content: Iterable[bytes] | BinaryIO,
        *,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        checksums: Mapping[str, str] | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        self._folder.bucket_folder(bucket)
        check_key(key)
        customer_key = attributes.customer_key
        with self._folder.temporary_file() as file:
            written = write_content(file, content, {} if checksums is None else checksums, customer_key)
            record = ObjectRecord(
                size=written.size,
                etag=written.etag,
                modified_ms=self._now_ms(),
                content_type=attributes.content_type,
                metadata=dict(attributes.metadata),
                headers=dict(attributes.headers),
                checksums=written.stored_checksums,
                tags=dict(attributes.tags or {}),
                key_seal=None if customer_key is None else seal_key(customer_key),
                pieces=written.pieces,
                block_bytes=BLOCK_BYTES,
            )
            self._folder.publish(file, bucket, key, record=record, sums=written.sums, condition=condition)
        return with_fields(record.to_info(bucket, key), checksums=written.checksums)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        with self._folder.open_object(bucket, key) as file:
            return file.record.to_info(bucket, key)

    def read(
        self, bucket: str, key: str, *, start: int = 0, length: int | None = None, customer_key: bytes | None = None
    ) -> tuple[ObjectInfo, Iterator[bytes]]:
        file = self._folder.open_object(bucket, key)
        record = file.record
        decryption = None
        if record.key_seal is not None or customer_key is not None:
            check_customer_key(customer_key, record.key_seal)
            decryption = Decryption(customer_key or b"", [(size, nonce) for size, nonce in record.pieces])
        return record.to_info(bucket, key), RangeReader(
            file, (bucket, key), start, length, decryption=decryption, damage=self._folder.damage
        )

    def copy(
        self,
        source: tuple[str, str],
        bucket: str,
        key: str,
        *,
        replace: ObjectAttributes | None = None,
        condition: WriteCondition = UNCONDITIONAL,
        source_etag: str | None = None,
    ) -> ObjectInfo:
        self._folder.bucket_folder(bucket)
        check_key(key)
        with self._folder.open_object(*source) as origin, self._folder.temporary_file() as file:
            check_customer_key(None, origin.record.key_seal)
            if source_etag not in (None, origin.record.etag):
                raise PreconditionFailed(f"the source of the copy {source[0]}/{source[1]} has another ETag")
            sums = append_content(file, origin)
            record = with_fields(summed(origin.record), modified_ms=self._now_ms(), upload_id=None)
            if replace:
                record = with_fields(
                    record,
                    content_type=replace.content_type,
                    metadata=dict(replace.metadata),
                    headers=dict(replace.headers),
                    tags=origin.record.tags if replace.tags is None else dict(replace.tags),
                )
            self._folder.publish(file, bucket, key, record=record, sums=sums, condition=condition)
        return record.to_info(bucket, key)

    def object_parts(self, bucket: str, key: str) -> tuple[ObjectPart, ...]:
        with self._folder.open_object(bucket, key) as file:
            return file.record.object_parts()

    def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        with self._folder.open_object(bucket, key) as file:
            return file.record.tags

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        self._folder.rewrite_record(bucket, key, lambda record: with_fields(record, tags=dict(tags)))

    def configuration(self, bucket: str, name: str) -> str | None:
        return self._folder.configuration(bucket, name)

    def set_configuration(self, bucket: str, name: str, text: str | None) -> None:
        self._folder.set_configuration(bucket, name, text)

    def delete(self, bucket: str, key: str, *, condition: WriteCondition = UNCONDITIONAL) -> None:
        base = self._folder.bucket_folder(bucket)
        path = self._folder.object_path(bucket, key)
        ignore_missing = contextlib.suppress(FileNotFoundError, NotADirectoryError)
        with translate_disk_errors(), self._folder.lock_key(bucket, key), ignore_missing:
            self._folder.check_condition(condition, bucket, key)
            path.unlink()
            self._folder.damage.forget(bucket, key)
            _remove_empty_parents(path.parent, base)

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", start_after: str = "", limit: int = 1000
    ) -> ObjectPage:
        walk = KeyWalk(self._cache, self._folder.bucket_folder(bucket), prefix=prefix, start_after=start_after)
        page = collect_page(walk, prefix=prefix, delimiter=delimiter, start_after=start_after, limit=limit)
        infos = (self._head_or_none(bucket, key) for key in page.keys)
        return ObjectPage(tuple(info for info in infos if info), page.prefixes, page.next_start_after)

    def start_upload(
        self,
        bucket: str,
        key: str,
        *,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        algorithm: str | None = None,
        full_object: bool = False,
    ) -> Upload:
        upload = Upload(
            upload_id="",
            bucket=bucket,
            key=check_key(key),
            started_at=self._clock.now(),
            content_type=attributes.content_type,
            metadata=dict(attributes.metadata),
            headers=dict(attributes.headers),
            algorithm=algorithm,
            full_object=full_object,
            tags=dict(attributes.tags or {}),
            key_seal=None if attributes.customer_key is None else seal_key(attributes.customer_key),
        )
        return self._uploads.start(upload)

    def get_upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        return self._uploads.get(bucket, key, upload_id)

    def put_part(
        self,
        upload: Upload,
        number: int,
        content: Iterable[bytes] | BinaryIO,
        *,
        checksums: Mapping[str, str] | None = None,
        customer_key: bytes | None = None,
    ) -> Part:
        expected = {} if checksums is None else checksums
        return self._uploads.put_part(upload, number, content, checksums=expected, customer_key=customer_key)

    def list_parts(self, upload: Upload) -> tuple[Part, ...]:
        return self._uploads.list_parts(upload)

    def list_uploads(self, bucket: str, *, prefix: str = "") -> tuple[Upload, ...]:
        self._folder.bucket_folder(bucket)
        return self._uploads.list_uploads(bucket, prefix)

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
        upload = self._uploads.get_or_completed(bucket, key, upload_id)
        return self._uploads.complete(upload, parts, checksums or {}, condition)

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        self._uploads.abort(self._uploads.get(bucket, key, upload_id))

    def _now_ms(self) -> int:
        return to_epoch_ms(self._clock.now())

    def _head_or_none(self, bucket: str, key: str) -> ObjectInfo | None:
        """Returns None for an object that was deleted after its name was read.

        One whose record is damaged is listed with what its file says, so that it can be found and deleted.
        """
        try:
            return self.head(bucket, key)
        except NoSuchKey:
            return None
        except DamagedObject:
            return self._folder.damaged_info(bucket, key)

    def _created_at(self, folder: Path) -> dt.datetime:
        marker = self._folder.bucket_markers / folder.name
        at = (marker if marker.exists() else folder).stat().st_mtime
        return dt.datetime.fromtimestamp(at, dt.UTC)


def _remove_empty_tree(folder: Path) -> None:
    """Removes a tree of folders. Raises OSError where it contains a file."""
    for path, _, _ in os.walk(folder, topdown=False):
        Path(path).rmdir()


def _remove_empty_parents(folder: Path, base: Path) -> None:
    """Removes empty folders from ``folder`` upwards, but not ``base``. Syncs the first one that stays."""
    while folder != base:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            break
        folder = folder.parent
    durable.sync_folder(folder)
