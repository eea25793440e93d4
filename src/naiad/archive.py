"""Tar archives that nobody vouches for, read within bounds: regular files and folders only, all below the target.

The one extractor of client and server. ``tarfile``'s own filters let links out of the target in the versions of Python that we
support (CVE-2025-4517), so no link is ever made.
"""

import io
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, Self

from naiad.errors import ArchiveError

_MAX_FILES = 100_000
_MAX_BYTES = 64 * 2**30
_MAX_FRACTION_OF_FREE_SPACE = 0.5
"""Other jobs need room on the disk too."""
_MAX_RATIO = 200
"""Limit of extracted bytes to archive bytes. Text reaches about 10, and an archive bomb 1,000."""
_MIN_LIMIT_BYTES = 256 * 2**20
"""The ratio never limits an archive to less than this."""
_MAX_MEMBER_BYTES = 256 * 2**20
"""Limit of a file that is read into memory."""
_MAX_HEADER_BYTES = 64 * 1024
"""Limit of a header that describes the next member: tarfile holds it in memory."""
_HEADER_TYPES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_BLOCK_BYTES = 2**20
_READ_ERRORS = (tarfile.TarError, EOFError, zlib.error, LZMAError, ValueError, RecursionError)


def extract_tar(archive: IO[bytes], target: Path, *, max_bytes: int = _MAX_BYTES, max_files: int = _MAX_FILES) -> None:
    """Extracts a tar file, compressed or not, into the folder ``target``.

    Raises ArchiveError for anything suspicious. Nothing outside ``target`` is ever touched; what was extracted before stays.
    """
    free_bytes = int(shutil.disk_usage(target).free * _MAX_FRACTION_OF_FREE_SPACE)
    with _explain_read_errors():
        for tar, member in _members(archive, min(max_bytes, free_bytes), max_files):
            _extract(tar, member, target)


def read_member(archive: IO[bytes], name: str, *, max_bytes: int = _MAX_MEMBER_BYTES) -> bytes | None:
    """Returns the content of one file of a tar file, compressed or not; None where there is no such file.

    max_bytes: the largest content. Raises ArchiveError for a larger one, and for what ``extract_tar`` would refuse.
    """
    with _explain_read_errors():
        for tar, member in _members(archive, _MAX_BYTES, _MAX_FILES):
            if member.name.removeprefix("./") != name or not member.isfile():
                continue
            if member.size > max_bytes:
                raise ArchiveError(f"the archive holds {name} of {member.size:,} bytes, more than {max_bytes:,}")
            content = tar.extractfile(member)
            return None if content is None else content.read(max_bytes)
    return None


@contextmanager
def _explain_read_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"the archive cannot be read: {error.strerror or error}") from error
    except _READ_ERRORS as error:
        raise ArchiveError(f"the archive cannot be read: {error}") from error


def _members(archive: IO[bytes], max_bytes: int, max_files: int) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Yields the members in order. Raises ArchiveError where they are too many or too large, before their content is read."""
    max_bytes = min(max_bytes, max(_MIN_LIMIT_BYTES, _MAX_RATIO * _size_bytes(archive)))
    total_bytes = 0
    with tarfile.open(fileobj=archive, mode="r|*", tarinfo=_BoundedTarInfo) as tar:
        for count, member in enumerate(tar, 1):
            if member.size < 0:
                raise ArchiveError(f"the archive holds {member.name[:200]!r} of {member.size:,} bytes")
            total_bytes += member.size
            if count > max_files or total_bytes > max_bytes:
                raise ArchiveError(f"the archive holds more than {max_files:,} files or {max_bytes:,} bytes")
            yield tar, member
            _forget_members(tar)


class _BoundedTarInfo(tarfile.TarInfo):
    """A member's header that refuses those forms of the format in which the archive decides how much memory is taken."""

    def _proc_member(self, tar: tarfile.TarFile) -> Self:
        if self.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("it holds a sparse file; pack it without --sparse")
        if self.size < 0 or (self.type in _HEADER_TYPES and self.size > _MAX_HEADER_BYTES):
            raise tarfile.ReadError(f"it holds a header of {self.size:,} bytes")
        return super()._proc_member(tar)  # type: ignore[misc, no-any-return]  # reason: the hook that tarfile has for subclasses

    def _proc_gnusparse_10(self, *_: object) -> None:
        raise tarfile.ReadError("it holds a sparse file; pack it without --sparse")


def _forget_members(tar: tarfile.TarFile) -> None:
    """Drops what tarfile keeps in memory of the members that it has read."""
    tar.members.clear()  # type: ignore[attr-defined]  # reason: not in typeshed
    tar.pax_headers = {}


def _size_bytes(archive: IO[bytes]) -> int:
    size = archive.seek(0, io.SEEK_END)
    archive.seek(0)
    return size


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir() and not member.name:
        return  # SageMaker's SDK packs a model so that its folder has no name
    path = _path_below(target, member.name)
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    content = tar.extractfile(member) if member.isfile() else None
    if content is None:
        raise ArchiveError(f"the archive holds {member.name[:200]!r}, which is neither a file nor a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        while block := content.read(_BLOCK_BYTES):
            file.write(block)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)


def _path_below(target: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not name or name.startswith("/") or ".." in parts or "\0" in name:
        raise ArchiveError(f"the archive names {name[:200]!r}, which is not below its folder")
    return target.joinpath(*parts)
