"""The folder of a blob store: its layout, and the reading and publishing of an object's file.

- ``<root>/<bucket>/…``: objects, see ``names``
- ``<root>/.naiad/buckets/<bucket>``: an empty file, created with the bucket; its time is the bucket's
- ``<root>/.naiad/configurations/<bucket>/<name>``: a text that was stored with the bucket
- ``<root>/.naiad/uploads/<bucket>/<upload id>/``: see ``uploads``
- ``<root>/.naiad/temporary/``, ``<root>/.naiad/locks/``
"""

import contextlib
import datetime as dt
import errno
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from naiad import durable
from naiad.service.blobs.block_sums import BLOCK_BYTES, BlockSums
from naiad.service.blobs.damage_log import DamageLog
from naiad.service.blobs.errors import DamagedObject, NoSuchBucket, NoSuchKey, PreconditionFailed
from naiad.service.blobs.files import TemporaryFile, lock_file, lock_path, remove_stale_files, translate_disk_errors
from naiad.service.blobs.names import NO_LIMIT, check_key, earlier_folder, is_bucket_name, key_to_names
from naiad.service.blobs.object_file import ContentReader, ObjectFile, damage_reason, damaged_object
from naiad.service.blobs.object_record import ObjectRecord
from naiad.service.blobs.port import UNCONDITIONAL, ObjectInfo, WriteCondition
from naiad.service.domain.errors import Invalid, ServiceError

_CONFIGURATION_NAME = re.compile(r"[A-Za-z-]{1,64}")
_MAX_TRIES = 100
DAMAGED_ETAG = "0" * 32
"""The ETag in lists of an object whose record cannot be read."""


class StoreFolder:
    def __init__(self, root: Path, damage: DamageLog) -> None:
        self.root, self.damage = root.absolute(), damage
        self._root_text = str(self.root)
        own = self.root / ".naiad"
        self.bucket_markers, self.uploads = own / "buckets", own / "uploads"
        self.configurations = own / "configurations"
        self._temporary, self._locks = own / "temporary", own / "locks"
        for folder in (
            self.root,
            own,
            self.bucket_markers,
            self.configurations,
            self.uploads,
            self._temporary,
            self._locks,
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_stale_files(self._temporary)

    def bucket_folder(self, bucket: str) -> Path:
        """Raises NoSuchBucket."""
        folder = Path(self._bucket_path(bucket))
        if not folder.is_dir():
            raise _no_such_bucket(bucket)
        return folder

    @contextlib.contextmanager
    def temporary_file(self) -> Iterator[TemporaryFile]:
        with translate_disk_errors(), TemporaryFile(self._temporary) as file:
            yield file

    def lock_key(self, bucket: str, key: str) -> contextlib.AbstractContextManager[None]:
        return lock_file(lock_path(self._locks, f"{bucket}/{key}"), create=True)

    def remove_tree(self, folder: Path) -> None:
        """Takes a tree away in one rename, then deletes it. Ignores a missing one."""
        trash = self._temporary / secrets.token_hex(12)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(trash)
            shutil.rmtree(trash, ignore_errors=True)

    def object_path(self, bucket: str, key: str) -> Path:
        """Raises NoSuchBucket, Invalid."""
        return Path(_object_file(str(self.bucket_folder(bucket)), key))

    def open_object(self, bucket: str, key: str) -> ObjectFile:
        """Raises NoSuchBucket, NoSuchKey, DamagedObject, Invalid. Looks for the bucket only where there is no object."""
        path = _object_file(self._bucket_path(bucket), key)
        try:
            with translate_disk_errors():
                return ObjectFile(path)
        except (FileNotFoundError, NotADirectoryError):
            self.bucket_folder(bucket)
            raise NoSuchKey(f"there is no object {key!r} in bucket {bucket}") from None
        except (DamagedObject, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.EIO:
                raise
            self.damage.add(bucket, key, damage_reason(error))
            raise damaged_object(bucket, key, damage_reason(error)) from error

    def find_record(self, bucket: str, key: str) -> ObjectRecord | None:
        """Returns None where there is no object."""
        try:
            with self.open_object(bucket, key) as file:
                return file.record
        except NoSuchKey:
            return None

    def damaged_info(self, bucket: str, key: str) -> ObjectInfo | None:
        """Returns what a list shows of an object whose record cannot be read; None where it is gone."""
        try:
            status = self.object_path(bucket, key).stat()
        except FileNotFoundError:
            return None
        changed_at = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
        return ObjectInfo(bucket, key, status.st_size, DAMAGED_ETAG, changed_at)

    def check_condition(self, condition: WriteCondition, bucket: str, key: str) -> None:
        """Call inside ``lock_key``. Raises PreconditionFailed, NoSuchKey."""
        if condition != UNCONDITIONAL:
            _check_condition(condition, self.find_record(bucket, key), key)

    def publish(
        self,
        file: TemporaryFile,
        bucket: str,
        key: str,
        *,
        record: ObjectRecord,
        sums: bytes,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> None:
        """Makes the temporary file, which contains the content, the object. Raises PreconditionFailed, NoSuchKey."""
        file.write(record.to_bytes(sums))
        file.sync()
        with self.lock_key(bucket, key):
            self.check_condition(condition, bucket, key)
            self._move_into_bucket(file, bucket, key)
        self.damage.forget(bucket, key)

    def configuration(self, bucket: str, name: str) -> str | None:
        """Returns None for what is not there."""
        if not is_bucket_name(bucket):
            return None
        try:
            return (self.configurations / bucket / name).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def set_configuration(self, bucket: str, name: str, text: str | None) -> None:
        self.bucket_folder(bucket)
        if not _CONFIGURATION_NAME.fullmatch(name):
            raise Invalid(f"the configuration {name[:40]!r} has a name of letters and hyphens")
        if text is None:
            (self.configurations / bucket / name).unlink(missing_ok=True)
            return
        with translate_disk_errors():
            folder = durable.make_folders(self.configurations, (bucket,))
            durable.write_file(folder / name, text.encode(), mode=0o600)

    def rewrite_record(self, bucket: str, key: str, change: Callable[[ObjectRecord], ObjectRecord]) -> None:
        """Replaces the record of an object and keeps its content. Raises NoSuchKey."""
        with self.temporary_file() as file, self.lock_key(bucket, key), self.open_object(bucket, key) as origin:
            sums = append_content(file, origin)
            file.write(change(summed(origin.record)).to_bytes(sums))
            file.sync()
            self._move_into_bucket(file, bucket, key)

    def _bucket_path(self, bucket: str) -> str:
        """Returns the path of a bucket's folder, whether or not it is there. Raises NoSuchBucket for what cannot be its name."""
        if not is_bucket_name(bucket):
            raise _no_such_bucket(bucket)
        return f"{self._root_text}/{bucket}"

    def _move_into_bucket(self, file: TemporaryFile, bucket: str, key: str) -> None:
        """Tries again when a deletion has removed an empty folder on the way."""
        for _ in range(_MAX_TRIES):
            base = self.bucket_folder(bucket)
            names = _names_in(str(base), key)
            with contextlib.suppress(FileNotFoundError):
                file.rename_to(durable.make_folders(base, names[:-1]) / names[-1])
                return
        raise ServiceError(
            f"bucket {bucket}: its folders vanish while an object is put; does another program delete empty folders here?"
        )


def _no_such_bucket(bucket: str) -> NoSuchBucket:
    return NoSuchBucket(f"there is no bucket {bucket[:80]!r}")


def _object_file(base: str, key: str) -> str:
    """Returns the path of an object in the folder of its bucket. A text, since the paths of a list are many. Raises Invalid."""
    return f"{base}/{'/'.join(_names_in(base, check_key(key)))}"


def _names_in(base: str, key: str) -> tuple[str, ...]:
    """Returns the names of an object below its bucket's folder: those of an earlier version where that has made its folder."""
    earlier = earlier_folder(key)
    return key_to_names(key, NO_LIMIT) if earlier and Path(base, *earlier).is_dir() else key_to_names(key)


def append_content(file: TemporaryFile, origin: ObjectFile) -> bytes:
    """Appends the content of an object, and returns its sums: those that it has, so that damage stays known.

    A file of an older version has none, and is read for them. Raises OSError.
    """
    if origin.record.has_sums:
        file.append(origin.fd, origin.record.size)
        return origin.sums()
    layout, reader, sums, position = origin.record.layout, ContentReader(origin), [], 0
    for segment in layout.segments:
        taken, end = BlockSums(), position + segment
        while position < end:
            data = reader.read_at(position, end)
            taken.update(data)
            file.write(data)
            position += len(data)
        sums.append(taken.finish())
    return b"".join(sums)


def summed(record: ObjectRecord) -> ObjectRecord:
    """Returns the record of a file that has sums."""
    return record if record.has_sums else replace(record, block_bytes=BLOCK_BYTES)


def _check_condition(condition: WriteCondition, record: ObjectRecord | None, key: str) -> None:
    """Raises PreconditionFailed; NoSuchKey where ``if_match`` needs an object and there is none."""
    if condition.if_none_match and record and condition.if_none_match in ("*", record.etag):
        raise PreconditionFailed(f"an object {key!r} exists already")
    if record is not None:
        _check_size_and_time(condition, record, key)
    if condition.if_match is None:
        return
    if record is None:
        raise NoSuchKey(f"there is no object {key!r} to match")
    if condition.if_match not in ("*", record.etag):
        raise PreconditionFailed(f"the object {key!r} has the etag {record.etag}, not {condition.if_match}")


def _check_size_and_time(condition: WriteCondition, record: ObjectRecord, key: str) -> None:
    """Raises PreconditionFailed."""
    if condition.if_match_size not in (None, record.size):
        raise PreconditionFailed(f"the object {key!r} has {record.size} bytes, not {condition.if_match_size}")
    wanted = condition.if_match_modified_at
    if wanted is not None and int(wanted.timestamp()) != record.modified_ms // 1000:
        raise PreconditionFailed(f"the object {key!r} was changed at another time than {wanted:%Y-%m-%dT%H:%M:%SZ}")
