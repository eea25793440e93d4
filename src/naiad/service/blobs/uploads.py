"""Multipart uploads in the folder of a blob store. An upload is a folder of part files and a file that describes the upload.

A part's file has the form of an object's (``object_record``), so an upload survives a restart. Completion joins the parts inside
the kernel where it can. The object remembers the upload that made it, so that a second completion returns the same.
"""

import contextlib
import datetime as dt
import itertools
import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from naiad import durable
from naiad.service.blobs.block_sums import BLOCK_BYTES
from naiad.service.blobs.checksums import (
    composite_checksum,
    full_object_checksum,
    multipart_etag,
)
from naiad.service.blobs.content_writer import write_content
from naiad.service.blobs.customer_key import check_key
from naiad.service.blobs.errors import (
    BadDigest,
    DamagedObject,
    EntityTooSmall,
    InvalidPart,
    InvalidPartOrder,
    NoSuchUpload,
)
from naiad.service.blobs.files import TemporaryFile, lock_file
from naiad.service.blobs.object_file import ObjectFile
from naiad.service.blobs.object_record import ObjectRecord, from_epoch_ms, to_epoch_ms
from naiad.service.blobs.port import (
    MAX_PARTS,
    MIN_PART_BYTES,
    CompletedPart,
    ObjectInfo,
    Part,
    Upload,
    WriteCondition,
)
from naiad.service.blobs.store_folder import StoreFolder, append_content
from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import Invalid

_ID = re.compile(r"[0-9a-f]{32}")
DESCRIPTION = "upload.json"
_PART_PREFIX = "part-"


@dataclass(frozen=True)
class FolderUploads:
    folder: StoreFolder
    clock: Clock

    def start(self, upload: Upload) -> Upload:
        """Returns the upload with an id of its own; it is on disk."""
        self.folder.bucket_folder(upload.bucket)
        started = replace(upload, upload_id=secrets.token_hex(16))
        with self.folder.temporary_file() as file:
            file.write(_to_json(started))
            file.sync()
            folder = durable.make_folders(self.folder.uploads, (upload.bucket, started.upload_id))
            file.rename_to(folder / DESCRIPTION)
        return started

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Raises NoSuchUpload."""
        self.folder.bucket_folder(bucket)
        missing = NoSuchUpload(f"there is no upload {upload_id[:40]!r} of {key!r}; was it completed or aborted?")
        if not _ID.fullmatch(upload_id):
            raise missing
        upload = read_description(self.folder.uploads / bucket / upload_id)
        if upload is None or upload.key != key:
            raise missing
        return upload

    def get_or_completed(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Returns the open upload, or the completed one that made the present object. Raises NoSuchUpload."""
        try:
            return self.get(bucket, key, upload_id)
        except NoSuchUpload:
            record = self.folder.find_record(bucket, key)
            if record is None or record.upload_id is None or record.upload_id != upload_id:
                raise
        return Upload(upload_id, bucket, key, from_epoch_ms(record.modified_ms))

    def list_uploads(self, bucket: str, prefix: str) -> tuple[Upload, ...]:
        folder = self.folder.uploads / bucket
        uploads = [read_description(path) for path in folder.iterdir()] if folder.is_dir() else []
        matches = [upload for upload in uploads if upload and upload.key.startswith(prefix)]
        return tuple(sorted(matches, key=lambda upload: (upload.key, upload.started_at, upload.upload_id)))

    def put_part(
        self,
        upload: Upload,
        number: int,
        content: Iterable[bytes] | BinaryIO,
        *,
        checksums: Mapping[str, str],
        customer_key: bytes | None,
    ) -> Part:
        if not 1 <= number <= MAX_PARTS:
            raise Invalid(f"part number {number}: 1 to {MAX_PARTS} are allowed")
        check_key(customer_key, upload.key_seal)
        with self.folder.temporary_file() as file:
            written = write_content(file, content, checksums, customer_key)
            record = ObjectRecord(
                size=written.size,
                etag=written.etag,
                modified_ms=to_epoch_ms(self.clock.now()),
                checksums=written.stored_checksums,
                pieces=written.pieces,
                block_bytes=BLOCK_BYTES,
            )
            file.write(record.to_bytes(written.sums))
            file.sync()
            try:
                file.rename_to(self._part_path(upload, number))
            except FileNotFoundError:
                raise NoSuchUpload(f"the upload of {upload.key!r} was completed or aborted meanwhile") from None
        return replace(_to_part(number, record), checksums=written.checksums)

    def list_parts(self, upload: Upload) -> tuple[Part, ...]:
        try:
            paths = sorted(self._upload_folder(upload).glob(f"{_PART_PREFIX}*"))
        except FileNotFoundError:
            paths = []
        parts = []
        for path in paths:
            with contextlib.suppress(FileNotFoundError), ObjectFile(path) as file:
                parts.append(_to_part(_part_number(path), file.record))
        return tuple(parts)

    def complete(
        self, upload: Upload, parts: Sequence[CompletedPart], checksums: Mapping[str, str], condition: WriteCondition
    ) -> ObjectInfo:
        try:
            with lock_file(self._upload_folder(upload) / DESCRIPTION):
                upload = self.get(upload.bucket, upload.key, upload.upload_id)  # another thread may have completed it
                return self._complete_locked(upload, parts, checksums, condition)
        except (FileNotFoundError, NoSuchUpload):
            self.get_or_completed(upload.bucket, upload.key, upload.upload_id)
            with self.folder.open_object(upload.bucket, upload.key) as file:
                return file.record.to_info(upload.bucket, upload.key)

    def abort(self, upload: Upload) -> None:
        self.folder.remove_tree(self._upload_folder(upload))

    def abort_all(self, bucket: str) -> None:
        self.folder.remove_tree(self.folder.uploads / bucket)

    def _upload_folder(self, upload: Upload) -> Path:
        return self.folder.uploads / upload.bucket / upload.upload_id

    def _part_path(self, upload: Upload, number: int) -> Path:
        return self._upload_folder(upload) / f"{_PART_PREFIX}{number:05d}"

    def _complete_locked(
        self, upload: Upload, parts: Sequence[CompletedPart], checksums: Mapping[str, str], condition: WriteCondition
    ) -> ObjectInfo:
        present = self._present_record(upload)
        if (
            present and present.upload_id == upload.upload_id
        ):  # an earlier process was killed before it removed the parts
            self.abort(upload)
            return present.to_info(upload.bucket, upload.key)
        _check_order(parts)
        records = [self._read_part(upload, part) for part in parts]
        smallest = min((record.size for record in records[:-1]), default=MIN_PART_BYTES)
        if smallest < MIN_PART_BYTES:
            raise EntityTooSmall(f"a part has {smallest} bytes: all but the last need at least {MIN_PART_BYTES}")
        record = self._joined_record(upload, parts, records)
        _check_checksums(record, checksums)
        with self.folder.temporary_file() as file:
            sums = b"".join(
                self._append_part(file, upload, part, part_record)
                for part, part_record in zip(parts, records, strict=True)
            )
            self.folder.publish(file, upload.bucket, upload.key, record=record, sums=sums, condition=condition)
        self.abort(upload)
        return record.to_info(upload.bucket, upload.key)

    def _present_record(self, upload: Upload) -> ObjectRecord | None:
        """Returns the record of the object that is there; None without one, or for a damaged one, which is replaced."""
        with contextlib.suppress(DamagedObject):
            return self.folder.find_record(upload.bucket, upload.key)
        return None

    def _append_part(self, target: TemporaryFile, upload: Upload, part: CompletedPart, record: ObjectRecord) -> bytes:
        """Returns the sums of the part's blocks."""
        with ObjectFile(self._part_path(upload, part.number)) as file:
            if file.record != record:
                raise InvalidPart(f"part {part.number} was put again while the upload was completed")
            return append_content(target, file)

    def _read_part(self, upload: Upload, part: CompletedPart) -> ObjectRecord:
        """Raises InvalidPart where the stored part is not the named one."""
        try:
            with ObjectFile(self._part_path(upload, part.number)) as file:
                record = file.record
        except FileNotFoundError:
            raise InvalidPart(f"part {part.number} was not put") from None
        if record.etag != part.etag:
            raise InvalidPart(f"part {part.number} has the etag {record.etag}, not {part.etag[:40]}")
        if any(record.checksums.get(name, value) != value for name, value in part.checksums.items()):
            raise InvalidPart(f"part {part.number} has another checksum")
        return record

    def _joined_record(
        self, upload: Upload, parts: Sequence[CompletedPart], records: Sequence[ObjectRecord]
    ) -> ObjectRecord:
        name = upload.algorithm
        rows = [
            (part.number, record.size, {name: record.checksums[name]} if name and name in record.checksums else {})
            for part, record in zip(parts, records, strict=True)
        ]
        return ObjectRecord(
            size=sum(record.size for record in records),
            etag=multipart_etag([record.etag for record in records]),
            modified_ms=to_epoch_ms(self.clock.now()),
            content_type=upload.content_type,
            metadata=upload.metadata,
            headers=upload.headers,
            checksums=_object_checksum(upload, records),
            upload_id=upload.upload_id,
            tags=upload.tags,
            parts=rows,
            key_seal=upload.key_seal,
            pieces=[piece for record in records for piece in record.pieces],
            block_bytes=BLOCK_BYTES,
        )


def _object_checksum(upload: Upload, parts: Sequence[ObjectRecord]) -> dict[str, str]:
    """Returns the checksum of the object by its algorithm; an empty dict unless every part has one."""
    name = upload.algorithm
    if name is None or any(name not in part.checksums for part in parts):
        return {}
    if upload.full_object:
        return {name: full_object_checksum(name, [(part.checksums[name], part.size) for part in parts])}
    return {name: composite_checksum(name, [part.checksums[name] for part in parts])}


def _check_checksums(record: ObjectRecord, expected: Mapping[str, str]) -> None:
    """Raises BadDigest."""
    for name, value in expected.items():
        actual = record.checksums.get(name, value)
        if actual.partition("-")[0] != value.partition("-")[0]:
            raise BadDigest(f"the {name} of the parts is {actual}, expected {value}")


def _check_order(parts: Sequence[CompletedPart]) -> None:
    """Raises InvalidPart, InvalidPartOrder."""
    if not parts:
        raise InvalidPart("an upload is completed with at least one part")
    numbers = [part.number for part in parts]
    if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        raise InvalidPartOrder("the parts are not in the order of their numbers, or one is there twice")


def _to_part(number: int, record: ObjectRecord) -> Part:
    return Part(number, record.size, record.etag, from_epoch_ms(record.modified_ms), record.checksums)


def _part_number(path: Path) -> int:
    return int(path.name.removeprefix(_PART_PREFIX))


def _to_json(upload: Upload) -> bytes:
    return json.dumps(asdict(upload) | {"started_at": upload.started_at.isoformat()}).encode()


def read_description(folder: Path) -> Upload | None:
    """Returns None where there is no upload."""
    try:
        fields = json.loads((folder / DESCRIPTION).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Upload(**fields | {"started_at": dt.datetime.fromisoformat(fields["started_at"])})
