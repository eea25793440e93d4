"""Archives, read with suspicion: regular files and folders only, all of them below the target, within limits."""

import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

from naiad.service.domain.errors import Invalid

_MOST_FILES = 100_000
_MOST_BYTES = 64 * 2**30
_BLOCK = 2**20


def extract_tar(
    archive: IO[bytes], target: Path, *, most_bytes: int = _MOST_BYTES, most_files: int = _MOST_FILES
) -> None:
    """A tar, compressed or not. Raises Invalid before anything outside ``target`` is touched; what was extracted stays."""
    total = 0
    try:
        with tarfile.open(fileobj=archive, mode="r|*") as tar:
            for count, member in enumerate(tar, 1):
                total += member.size
                if count > most_files or total > most_bytes:
                    raise Invalid(f"the archive holds more than {most_files:,} files or {most_bytes:,} bytes")
                _extract(tar, member, target)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Invalid(f"the archive cannot be read: {error}") from error


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
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
