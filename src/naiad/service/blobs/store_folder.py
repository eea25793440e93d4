"""The folder of a store of blobs: where things are in it, and how an object's file is read and put in its place.

- ``<root>/<bucket>/…``: objects, see ``names``
- ``<root>/.naiad/buckets/<bucket>``: made with the bucket; its time is the bucket's
- ``<root>/.naiad/uploads/<bucket>/<upload id>/``: see ``uploads``
- ``<root>/.naiad/temporary/``, ``<root>/.naiad/locks/``
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

from naiad import durable
from naiad.service.blobs.errors import NoSuchBucket, NoSuchKey, PreconditionFailed
from naiad.service.blobs.files import Temporary, lock_of, locked, sweep, translate_disk_errors
from naiad.service.blobs.names import check_key, is_bucket, names_of
from naiad.service.blobs.object_record import Record
from naiad.service.blobs.port import UNCONDITIONAL, WriteCondition
from naiad.service.domain.errors import ServiceError

READ_BYTES = 2**20
_TRIES = 100


class Space:
    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        own = self.root / ".naiad"
        self.created, self.uploads = own / "buckets", own / "uploads"
        self._temporary, self._locks = own / "temporary", own / "locks"
        for folder in (self.root, own, self.created, self.uploads, self._temporary, self._locks):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(self._temporary)

    def bucket(self, name: str) -> Path:
        """Raises NoSuchBucket."""
        folder = self.root / name
        if not is_bucket(name) or not folder.is_dir():
            raise NoSuchBucket(f"there is no bucket {name[:80]!r}")
        return folder

    @contextlib.contextmanager
    def temporary(self) -> Iterator[Temporary]:
        with translate_disk_errors(), Temporary(self._temporary) as file:
            yield file

    def lock(self, bucket: str, key: str) -> contextlib.AbstractContextManager[None]:
        return locked(lock_of(self._locks, f"{bucket}/{key}"), create=True)

    def discard(self, folder: Path) -> None:
        """Removes a tree at once for all who look, then from the disk. What is not there is no error."""
        gone = self._temporary / secrets.token_hex(12)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def open(self, bucket: str, key: str) -> "OpenFile":
        """Raises NoSuchKey."""
        path = self.bucket(bucket).joinpath(*names_of(check_key(key)))
        try:
            with translate_disk_errors():
                return OpenFile(path)
        except (FileNotFoundError, NotADirectoryError):
            self.bucket(bucket)
            raise NoSuchKey(f"there is no object {key!r} in bucket {bucket}") from None

    def record(self, bucket: str, key: str) -> Record | None:
        """None where there is no object."""
        try:
            with self.open(bucket, key) as file:
                return file.record
        except NoSuchKey:
            return None

    def demand(self, condition: WriteCondition, bucket: str, key: str) -> None:
        """For who has the key's lock. Raises PreconditionFailed, NoSuchKey."""
        if condition != UNCONDITIONAL:
            check(condition, self.record(bucket, key), key)

    def publish(self, file: Temporary, bucket: str, key: str, *, record: Record, condition: WriteCondition = UNCONDITIONAL) -> None:
        """Makes the temporary, which holds the content, the object. Raises PreconditionFailed, NoSuchKey."""
        file.write(record.to_bytes())
        file.sync()
        with self.lock(bucket, key):
            self.demand(condition, bucket, key)
            self._place(file, bucket, names_of(key))

    def _place(self, file: Temporary, bucket: str, names: tuple[str, ...]) -> None:
        """Again when somebody who deletes has removed a folder, being empty, in between."""
        for _ in range(_TRIES):
            base = self.bucket(bucket)
            with contextlib.suppress(FileNotFoundError):
                file.become(durable.make_folders(base, names[:-1]) / names[-1])
                return
        raise ServiceError(
            f"bucket {bucket}: its folders vanish while an object is put; does another program clean up here?"
        )


class OpenFile:
    """An object's file, read to its end whatever happens to its name."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self.record = Record.read_from(self.fd)
        except ServiceError as error:
            self.close()
            raise ServiceError(f"{path}: {error}") from error

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> "OpenFile":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "fd"):
            self.close()


class Reading:
    """The bytes of a range, piece by piece; closes its file at the end."""

    def __init__(self, file: OpenFile, start: int, length: int | None) -> None:
        size = file.record.size
        self._file, self._at = file, min(start, size)
        self._end = size if length is None else min(size, start + length)

    def __iter__(self) -> "Reading":
        return self

    def __next__(self) -> bytes:
        data = os.pread(self._file.fd, min(READ_BYTES, self._end - self._at), self._at) if self._at < self._end else b""
        if not data:
            self.close()
            raise StopIteration
        self._at += len(data)
        return data

    def close(self) -> None:
        self._at = self._end
        self._file.close()


def check(condition: WriteCondition, found: Record | None, key: str) -> None:
    """Raises PreconditionFailed; NoSuchKey where an object should be and none is."""
    if condition.if_none_match and found:
        raise PreconditionFailed(f"an object {key!r} is there")
    if condition.if_match is None:
        return
    if found is None:
        raise NoSuchKey(f"there is no object {key!r} to match")
    if condition.if_match not in ("*", found.etag):
        raise PreconditionFailed(f"the object {key!r} has the etag {found.etag}, not {condition.if_match}")


def plain(given: Mapping[str, str] | None) -> dict[str, str]:
    return dict(given or {})
