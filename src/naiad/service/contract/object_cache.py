"""A cache of the objects that jobs have fetched, kept by content and within a size limit: the least recently used go first.

A file is ``<cache>/<two digits>/<digest>``, and ``….<pid>.part`` while the agent with that process id fetches it. A reader
keeps its file open, so that the file may be removed at any time.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from naiad import disk_room, durable
from naiad.service.blobs.port import BlobStore, ObjectInfo

_DISK_DIVISOR = 10
"""The cache may take a tenth of the disk."""
_PARTIAL = ".part"


@dataclass(frozen=True)
class ObjectCache:
    folder: Path

    def open(self, blobs: BlobStore, info: ObjectInfo) -> IO[bytes]:
        """Returns the object's content as an open file, and fetches it first when it is not cached.

        Raises NotFound, and OSError when the disk is full: the last room is left to the database.
        """
        digest = hashlib.sha256(f"{info.etag} {info.size} {sorted(info.checksums.items())}".encode()).hexdigest()
        path = self.folder / digest[:2] / digest
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return self._fetch(blobs, info, path)
        if os.fstat(file.fileno()).st_size != info.size:
            file.close()
            return self._fetch(blobs, info, path)
        os.utime(file.fileno())
        return file

    def shrink(self, max_bytes: int | None = None) -> None:
        """Removes files until the rest fits ``max_bytes`` (None: a tenth of the disk), and what dead agents left half-fetched.

        Raises OSError.
        """
        if not self.folder.is_dir():
            return
        room_bytes = shutil.disk_usage(self.folder).total // _DISK_DIVISOR if max_bytes is None else max_bytes
        for _, size_bytes, path in sorted(self._files(), reverse=True):
            if size_bytes > room_bytes:
                path.unlink(missing_ok=True)
            else:
                room_bytes -= size_bytes

    def _fetch(self, blobs: BlobStore, info: ObjectInfo, path: Path) -> IO[bytes]:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}{_PARTIAL}")
        _, content = blobs.read(info.bucket, info.key)
        try:
            with partial.open("wb") as file:
                for block in content:
                    disk_room.check_margin(file.fileno())
                    file.write(block)
                file.flush()
                durable.sync_file(file.fileno())
            opened = partial.open("rb")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return opened

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """Yields (time of the last use, size in bytes, path). Removes half-fetched files whose agent is gone."""
        for path in self.folder.glob("*/*"):
            if path.suffix == _PARTIAL:
                if not Path("/proc", path.stem.rpartition(".")[2]).exists():
                    path.unlink(missing_ok=True)
                continue
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            yield status.st_mtime_ns, status.st_size, path
