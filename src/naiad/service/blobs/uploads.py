"""Multipart uploads in the folder of a store: an upload is a folder of part files and a file that says what it will be.

Parts have the form of objects (``record``), so an upload goes on after a restart. Completing joins them inside the system where
it can. The object remembers the upload that made it: completing again gives the same answer.
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
from naiad.service.blobs.checksums import Digests, combined, composite, multipart_etag, pieces
from naiad.service.blobs.errors import BadDigest, EntityTooSmall, InvalidPart, InvalidPartOrder, NoSuchUpload
from naiad.service.blobs.files import Temporary, locked
from naiad.service.blobs.object_record import Record, milliseconds, moment
from naiad.service.blobs.port import MAX_PARTS, MIN_PART_BYTES, CompletedPart, ObjectInfo, Part, Upload, WriteCondition
from naiad.service.blobs.store_folder import OpenFile, Space
from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import Invalid

_ID = re.compile(r"[0-9a-f]{32}")
_ABOUT = "upload.json"
_PART = "part-"


@dataclass(frozen=True)
class Uploads:
    space: Space
    clock: Clock

    def start(self, upload: Upload) -> Upload:
        """With an id of its own; synced."""
        self.space.bucket(upload.bucket)
        started = replace(upload, upload_id=secrets.token_hex(16))
        with self.space.temporary() as file:
            file.write(_to_json(started))
            file.sync()
            folder = durable.make_folders(self.space.uploads, (upload.bucket, started.upload_id))
            file.become(folder / _ABOUT)
        return started

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Raises NoSuchUpload."""
        self.space.bucket(bucket)
        missing = NoSuchUpload(f"there is no upload {upload_id[:40]!r} of {key!r}; was it completed or aborted?")
        if not _ID.fullmatch(upload_id):
            raise missing
        try:
            upload = _from_json((self.space.uploads / bucket / upload_id / _ABOUT).read_bytes())
        except FileNotFoundError:
            raise missing from None
        if upload.key != key:
            raise missing
        return upload

    def named(self, bucket: str, key: str, upload_id: str) -> Upload:
        """The upload, or one that was completed and made the object that is there. Raises NoSuchUpload."""
        try:
            return self.get(bucket, key, upload_id)
        except NoSuchUpload:
            found = self.space.record(bucket, key)
            if found is None or found.upload_id is None or found.upload_id != upload_id:
                raise
        return Upload(upload_id, bucket, key, moment(found.modified_ms))

    def of_bucket(self, bucket: str, prefix: str) -> tuple[Upload, ...]:
        folder = self.space.uploads / bucket
        found = [self._stored(path) for path in folder.iterdir()] if folder.is_dir() else []
        uploads = [upload for upload in found if upload and upload.key.startswith(prefix)]
        return tuple(sorted(uploads, key=lambda upload: (upload.key, upload.started_at, upload.upload_id)))

    def put_part(
        self, upload: Upload, number: int, content: Iterable[bytes] | BinaryIO, checksums: Mapping[str, str]
    ) -> Part:
        if not 1 <= number <= MAX_PARTS:
            raise Invalid(f"part number {number}: 1 to {MAX_PARTS} are allowed")
        digests = Digests(checksums)
        with self.space.temporary() as file:
            for piece in pieces(content):
                file.write(piece)
                digests.update(piece)
            record = Record(
                size=digests.size,
                etag=digests.etag,
                modified_ms=milliseconds(self.clock.now()),
                checksums=digests.checked(),
            )
            file.write(record.to_bytes())
            file.sync()
            try:
                file.become(self._path(upload, number))
            except FileNotFoundError:
                raise NoSuchUpload(f"the upload of {upload.key!r} was completed or aborted meanwhile") from None
        return _part(number, record)

    def parts(self, upload: Upload) -> tuple[Part, ...]:
        try:
            paths = sorted(self._folder(upload).glob(f"{_PART}*"))
        except FileNotFoundError:
            paths = []
        found = []
        for path in paths:
            with contextlib.suppress(FileNotFoundError), OpenFile(path) as file:
                found.append(_part(_number(path), file.record))
        return tuple(found)

    def complete(
        self, upload: Upload, claims: Sequence[CompletedPart], checksums: Mapping[str, str], condition: WriteCondition
    ) -> ObjectInfo:
        try:
            with locked(self._folder(upload) / _ABOUT):
                upload = self.get(upload.bucket, upload.key, upload.upload_id)  # nobody completed it meanwhile
                return self._completed(upload, claims, checksums, condition)
        except (FileNotFoundError, NoSuchUpload):
            self.named(upload.bucket, upload.key, upload.upload_id)
            return self._made(upload)

    def abort(self, upload: Upload) -> None:
        self.space.discard(self._folder(upload))

    def forget_bucket(self, bucket: str) -> None:
        self.space.discard(self.space.uploads / bucket)

    def _folder(self, upload: Upload) -> Path:
        return self.space.uploads / upload.bucket / upload.upload_id

    def _path(self, upload: Upload, number: int) -> Path:
        return self._folder(upload) / f"{_PART}{number:05d}"

    def _stored(self, folder: Path) -> Upload | None:
        try:
            return _from_json((folder / _ABOUT).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _made(self, upload: Upload) -> ObjectInfo:
        with self.space.open(upload.bucket, upload.key) as file:
            return file.record.info(upload.bucket, upload.key)

    def _completed(
        self, upload: Upload, claims: Sequence[CompletedPart], checksums: Mapping[str, str], condition: WriteCondition
    ) -> ObjectInfo:
        before = self.space.record(upload.bucket, upload.key)
        if before and before.upload_id == upload.upload_id:  # killed before it could remove the parts
            self.abort(upload)
            return before.info(upload.bucket, upload.key)
        parts = [self._claimed(upload, claim) for claim in _ordered(claims)]
        smallest = min((part.size for part in parts[:-1]), default=MIN_PART_BYTES)
        if smallest < MIN_PART_BYTES:
            raise EntityTooSmall(f"a part of {smallest} bytes: all but the last have at least {MIN_PART_BYTES}")
        record = self._record(upload, parts)
        _check(record, checksums)
        with self.space.temporary() as whole:
            for claim, part in zip(claims, parts, strict=True):
                self._append(whole, upload, claim, part)
            self.space.publish(whole, upload.bucket, upload.key, record=record, condition=condition)
        self.abort(upload)
        return record.info(upload.bucket, upload.key)

    def _append(self, whole: Temporary, upload: Upload, claim: CompletedPart, part: Record) -> None:
        with OpenFile(self._path(upload, claim.number)) as file:
            if file.record != part:
                raise InvalidPart(f"part {claim.number} was put again while the upload was completed")
            whole.append(file.fd, part.size)

    def _claimed(self, upload: Upload, claim: CompletedPart) -> Record:
        """Raises InvalidPart."""
        try:
            with OpenFile(self._path(upload, claim.number)) as file:
                part = file.record
        except FileNotFoundError:
            raise InvalidPart(f"part {claim.number} was not put") from None
        if part.etag != claim.etag:
            raise InvalidPart(f"part {claim.number} has the etag {part.etag}, not {claim.etag[:40]}")
        if any(part.checksums.get(name, value) != value for name, value in claim.checksums.items()):
            raise InvalidPart(f"part {claim.number} has another checksum")
        return part

    def _record(self, upload: Upload, parts: Sequence[Record]) -> Record:
        return Record(
            size=sum(part.size for part in parts),
            etag=multipart_etag([part.etag for part in parts]),
            modified_ms=milliseconds(self.clock.now()),
            content_type=upload.content_type,
            metadata=upload.metadata,
            headers=upload.headers,
            checksums=_checksum(upload, parts),
            upload_id=upload.upload_id,
        )


def _checksum(upload: Upload, parts: Sequence[Record]) -> dict[str, str]:
    """Of the whole, where every part has one."""
    name = upload.algorithm
    if name is None or any(name not in part.checksums for part in parts):
        return {}
    values = [part.checksums[name] for part in parts]
    if upload.full_object:
        return {name: combined(name, [(part.checksums[name], part.size) for part in parts])}
    return {name: composite(name, values)}


def _check(record: Record, checksums: Mapping[str, str]) -> None:
    for name, value in checksums.items():
        found = record.checksums.get(name, value)
        if found.partition("-")[0] != value.partition("-")[0]:
            raise BadDigest(f"the parts make a {name} of {found}, and {value} was said")


def _ordered(claims: Sequence[CompletedPart]) -> Sequence[CompletedPart]:
    if not claims:
        raise InvalidPart("an upload is completed with at least one part")
    numbers = [claim.number for claim in claims]
    if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        raise InvalidPartOrder("parts are named in the order of their numbers, each once")
    return claims


def _part(number: int, record: Record) -> Part:
    return Part(number, record.size, record.etag, moment(record.modified_ms), record.checksums)


def _number(path: Path) -> int:
    return int(path.name.removeprefix(_PART))


def _to_json(upload: Upload) -> bytes:
    fields = asdict(upload) | {"started_at": upload.started_at.isoformat()}
    return json.dumps(fields).encode()


def _from_json(data: bytes) -> Upload:
    fields = json.loads(data)
    return Upload(**fields | {"started_at": dt.datetime.fromisoformat(fields["started_at"])})
