"""What jobs have fetched, kept by content for the next ones, within a limit: what was not used for longest goes first.

A file is ``<cache>/<two digits>/<digest>``, and ``….<pid>.part`` while the agent of that process id fetches it. Who reads a
file holds it open, so that it may go at any time.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from naiad import durable
from naiad.service.blobs.port import BlobInfo, Blobs

_SHARE_OF_DISK = 10
"""The cache may take one part in so many."""
_PART = ".part"


@dataclass(frozen=True)
class Cache:
    folder: Path

    def opened(self, blobs: Blobs, info: BlobInfo) -> IO[bytes]:
        """The object's content, fetched where it is not there. Raises NotFound, StorageFull's OSError."""
        digest = hashlib.sha256(f"{info.etag} {info.size} {sorted(info.checksums.items())}".encode()).hexdigest()
        kept = self.folder / digest[:2] / digest
        try:
            file = kept.open("rb")
        except FileNotFoundError:
            return self._fetched(blobs, info, kept)
        if os.fstat(file.fileno()).st_size != info.size:
            file.close()
            return self._fetched(blobs, info, kept)
        os.utime(file.fileno())
        return file

    def _fetched(self, blobs: Blobs, info: BlobInfo, kept: Path) -> IO[bytes]:
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f"{kept.name}.{os.getpid()}{_PART}")
        _, content = blobs.read(info.bucket, info.key)
        try:
            with partial.open("wb") as file:
                for block in content:
                    file.write(block)
                file.flush()
                durable.sync_file(file.fileno())
            opened = partial.open("rb")
            partial.replace(kept)
        finally:
            partial.unlink(missing_ok=True)
        return opened

    def shrink(self, most_bytes: int | None = None) -> None:
        """Down to the limit, None for a tenth of the disk; what agents that are gone have begun goes as well. Raises OSError."""
        if not self.folder.is_dir():
            return
        room_bytes = shutil.disk_usage(self.folder).total // _SHARE_OF_DISK if most_bytes is None else most_bytes
        for _, size_bytes, path in sorted(self._files(), reverse=True):
            if size_bytes > room_bytes:
                path.unlink(missing_ok=True)
            else:
                room_bytes -= size_bytes

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """(last used, size, path)."""
        for path in self.folder.glob("*/*"):
            if path.suffix == _PART:
                if not Path("/proc", path.stem.rpartition(".")[2]).exists():
                    path.unlink(missing_ok=True)
                continue
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            yield status.st_mtime_ns, status.st_size, path
