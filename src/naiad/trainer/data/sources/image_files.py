"""Finds the image files below a folder, by the suffixes of the formats that the installed Pillow reads.

Hidden folders and folders that tools make are left out. A link to a folder is followed, each folder once.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from PIL import Image, ImageFile

from naiad.errors import DataError

_TOOL_FOLDERS = frozenset(
    {
        "@eadir",
        "@tmp",
        "@recycle",
        "@recently-snapshot",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "__macosx",
        "__pycache__",
        "lost+found",
        "system volume information",
    }
)
"""Names, in small letters, of folders that Synology, QNAP, Windows, macOS, Python and file systems make."""
_WITHOUT_DECODER = frozenset({"MPEG", "EPS"})
"""Formats that Pillow recognises and cannot decode, besides those whose decoder another package would bring.

PostScript is a program that another program would have to run.
"""
_READ_AS_JPEG = frozenset({"MPO"})
"""Formats that Pillow's JPEG reader opens."""


@dataclass
class FoundFiles:
    """Files and folders below a folder; each list is sorted."""

    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    """Files without the suffix of an image."""
    hidden_images: list[Path] = field(default_factory=list)
    """Files whose name begins with a dot and has the suffix of an image; they are left out."""
    skipped_folders: list[Path] = field(default_factory=list)
    """Hidden folders and folders that tools make; they are left out."""
    broken_links: list[Path] = field(default_factory=list)
    """Links to a file or folder that does not exist."""
    folders: list[Path] = field(default_factory=list)
    """Folders that were read, besides the first one."""


class _Kind(Enum):
    FILE = auto()
    SKIPPED_FOLDER = auto()
    BROKEN_LINK = auto()
    FOLDER = auto()


def image_suffixes() -> frozenset[str]:
    """Returns the suffixes of the formats that Pillow decodes now, in small letters: packages such as pillow-heif add some."""
    Image.preinit()  # the common formats first: an image is opened by the first format that takes it
    formats = Image.registered_extensions()
    return frozenset(suffix.lower() for suffix, name in formats.items() if _is_decodable(name))


def find_files(folder: Path, suffixes: frozenset[str]) -> FoundFiles:
    """Returns all files below ``folder``. suffixes: those of images. Raises DataError for a folder that cannot be read."""
    found = FoundFiles()
    for kind, path in _walk(folder):
        match kind:
            case _Kind.SKIPPED_FOLDER:
                found.skipped_folders.append(path)
            case _Kind.BROKEN_LINK:
                found.broken_links.append(path)
            case _Kind.FOLDER:
                found.folders.append(path)
            case _Kind.FILE if path.name.startswith("."):
                if _has_suffix(path, suffixes):
                    found.hidden_images.append(path)
            case _Kind.FILE:
                (found.images if _has_suffix(path, suffixes) else found.others).append(path)
    for paths in vars(found).values():
        paths.sort()
    return found


def has_images(folder: Path, suffixes: frozenset[str] | None = None) -> bool:
    """Whether there is an image below ``folder``. suffixes: None stands for all that Pillow reads. Raises DataError."""
    known = image_suffixes() if suffixes is None else suffixes
    return any(kind is _Kind.FILE and is_image(path, known) for kind, path in _walk(folder))


def is_image(path: Path, suffixes: frozenset[str]) -> bool:
    """Whether the name is that of an image, and not hidden."""
    return _has_suffix(path, suffixes) and not path.name.startswith(".")


def is_skipped_folder(path: Path) -> bool:
    """Whether the folder is hidden or made by a tool, so that nothing in it is data."""
    return path.name.startswith(".") or path.name.lower() in _TOOL_FOLDERS


def list_folder(folder: Path) -> list[Path]:
    """Returns the paths in ``folder``, sorted. Raises DataError for a folder that cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error


def printable_name(path: Path, root: Path) -> str:
    r"""Returns the path below ``root``, with slashes; bytes that are not UTF-8 are written as ``\xe9``."""
    return printable(path.relative_to(root).as_posix())


def printable(name: str) -> str:
    r"""Returns a file's name as text that any file can hold; bytes that are not UTF-8 are written as ``\xe9``."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


_Identity = tuple[int, int]
_Links = list[tuple[Path, frozenset[_Identity]]]
"""Links to folders, each with the folders above it and above the links that led to it: to follow a link to one is a loop."""


def _walk(folder: Path) -> Iterator[tuple[_Kind, Path]]:
    """Reads the folder and all below it, then the folders that links lead to, each once and never one above it."""
    links: _Links = []
    visited = {_identity(folder)}
    yield from _walk_real(folder, _parents(folder), visited, links)
    while links:
        links.sort(key=lambda link: link[0])
        link, above = links.pop(0)
        identity = _identity(link)
        if identity not in visited | above:
            visited.add(identity)
            yield _Kind.FOLDER, link
            yield from _walk_real(link, above | _parents(link), visited, links)


def _walk_real(
    top: Path, above: frozenset[_Identity], visited: set[_Identity], links: _Links
) -> Iterator[tuple[_Kind, Path]]:
    """Reads all below ``top`` that is no link to a folder; adds these to ``links``, and the folders read to ``visited``."""
    folders = [top]
    while folders:
        folder = folders.pop()
        for entry in _scan(folder):
            path = Path(entry.path)
            if _is_broken_link(entry):
                yield _Kind.BROKEN_LINK, path
            elif entry.is_file():
                yield _Kind.FILE, path
            elif entry.is_dir():
                if is_skipped_folder(path):
                    yield _Kind.SKIPPED_FOLDER, path
                elif entry.is_symlink():
                    links.append((path, above))
                elif (identity := _identity(path)) not in visited:
                    visited.add(identity)
                    folders.append(path)
                    yield _Kind.FOLDER, path


def _scan(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise _unreadable(folder, error) from error


def _is_broken_link(entry: "os.DirEntry[str]") -> bool:
    """Whether the entry is a link to nothing, or to itself."""
    return entry.is_symlink() and not Path(entry.path).exists()


def _parents(folder: Path) -> frozenset[_Identity]:
    """Returns the folders above ``folder``: those of its path, and those of the folder that it leads to."""
    return frozenset(_identity(parent) for path in (folder.absolute(), folder.resolve()) for parent in path.parents)


def _identity(folder: Path) -> _Identity:
    """Returns the file system and the number of a folder in it."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def _has_suffix(path: Path, suffixes: frozenset[str]) -> bool:
    return path.suffix.lower() in suffixes


def _is_decodable(name: str) -> bool:
    """Whether the installed Pillow decodes the format of this name."""
    if name in _READ_AS_JPEG:
        return True
    if name not in Image.OPEN or name in _WITHOUT_DECODER:
        return False
    reader = Image.OPEN[name][0]
    return not (isinstance(reader, type) and issubclass(reader, ImageFile.StubImageFile))


def _unreadable(folder: Path, error: OSError) -> DataError:
    reason = (error.strerror or str(error)).lower()
    return DataError(f"the folder {folder} cannot be read: {reason}", hint="change its permissions, or leave it out")
