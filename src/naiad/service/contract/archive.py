"""Archives, read with suspicion: regular files and folders only, all of them below the target, within limits."""

import io
import shutil
import tarfile
import zlib
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, Self

from naiad.service.domain.errors import Invalid

_MOST_FILES = 100_000
_MOST_BYTES = 64 * 2**30
_MOST_OF_FREE = 0.5
"""Of the room on the disk, which other jobs need too."""
_MOST_RATIO = 200
"""Of what comes out to what goes in; text comes to about 10, and a bomb to 1,000."""
_ALWAYS_BYTES = 256 * 2**20
"""However small the archive is, so much may come out of it."""
_LONGEST_HEADER_BYTES = 64 * 1024
"""Of one that describes the next member: it is held in memory."""
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_BLOCK = 2**20
_BROKEN = (tarfile.TarError, EOFError, zlib.error, LZMAError, ValueError, RecursionError)


def extract_tar(
    archive: IO[bytes], target: Path, *, most_bytes: int = _MOST_BYTES, most_files: int = _MOST_FILES
) -> None:
    """A tar in a file, compressed or not. Raises Invalid before anything outside ``target`` is touched; what came out stays."""
    free_bytes = int(shutil.disk_usage(target).free * _MOST_OF_FREE)
    most_bytes = min(most_bytes, free_bytes, max(_ALWAYS_BYTES, _MOST_RATIO * _size(archive)))
    total = 0
    try:
        with tarfile.open(fileobj=archive, mode="r|*", tarinfo=_Member) as tar:
            for count, member in enumerate(tar, 1):
                if member.size < 0:
                    raise Invalid(f"the archive holds {member.name[:200]!r} of {member.size:,} bytes")
                total += member.size
                if count > most_files or total > most_bytes:
                    raise Invalid(f"the archive holds more than {most_files:,} files or {most_bytes:,} bytes")
                _extract(tar, member, target)
                _forget(tar)
    except OSError as error:
        raise Invalid(f"the archive cannot be read: {error.strerror or error}") from error
    except _BROKEN as error:
        raise Invalid(f"the archive cannot be read: {error}") from error


class _Member(tarfile.TarInfo):
    """Without the parts of the format that take memory by the archive's own word."""

    def _proc_member(self, tar: tarfile.TarFile) -> Self:
        if self.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("it holds a sparse file; pack it without --sparse")
        if self.size < 0 or (self.type in _HEADERS and self.size > _LONGEST_HEADER_BYTES):
            raise tarfile.ReadError(f"it holds a header of {self.size:,} bytes")
        return super()._proc_member(tar)  # type: ignore[misc, no-any-return]  # reason: the hook that tarfile has for subclasses

    def _proc_gnusparse_10(self, *_: object) -> None:
        raise tarfile.ReadError("it holds a sparse file; pack it without --sparse")


def _forget(tar: tarfile.TarFile) -> None:
    """What tarfile keeps of the members that it has read."""
    tar.members.clear()  # type: ignore[attr-defined]  # reason: not in typeshed
    tar.pax_headers = {}


def _size(archive: IO[bytes]) -> int:
    size = archive.seek(0, io.SEEK_END)
    archive.seek(0)
    return size


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir() and not member.name:
        return  # SageMaker's SDK packs a model so that its folder has no name
    path = _inside(target, member.name)
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    if not member.isfile():
        raise Invalid(f"the archive holds {member.name[:200]!r}, which is neither a file nor a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        while block := content.read(_BLOCK):
            file.write(block)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)


def _inside(target: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    if not name or name.startswith("/") or ".." in parts or "\0" in name:
        raise Invalid(f"the archive names {name[:200]!r}, which is not below its folder")
    return target.joinpath(*parts)
