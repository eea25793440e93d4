"""Converts keys to paths below a bucket's folder, and back. Pure: knows text, touches no disk.

A key is split at each ``/``. The components before the last become folders, the last becomes an object's file:

    fashion/train.csv   →  fashion/train.csv@
    a//b                →  a/%/b@              an empty component is "%"
    ../x                →  %2E%2E/x@
    (a component that is too long for one name)  →  its beginning + "@more" / the rest
    (everything after the 64th folder)           →  one component, whose slashes are "%2F"; not so in stores of earlier versions

``@``, ``%``, control characters and leading dots are percent-encoded, so that no component looks like a mark and none leaves the
folder; other letters stay readable. The marks keep names in one folder apart that begin alike. Therefore the order of keys is
the order of ``text`` in each folder: every key below an entry begins with the entry's text, and no other key of the folder does.
"""

import re
from typing import NamedTuple

from naiad.service.domain.errors import Invalid

MAX_KEY_BYTES = 1024
_MAX_NAME_BYTES = 200
"""A component is cut where its name would reach this; a file system allows 255."""
_OBJECT, _MORE = "@", "@more"
_EMPTY = "%"
MAX_FOLDERS = 64
"""Folders that a key makes by its slashes: each is made and synced by itself, and a key may have a thousand slashes."""
NO_LIMIT = -1
_UNSAFE = re.compile(r"[%@/\x00-\x1f\x7f-\x9f\ud800-\udfff]|^\.")
_ESCAPED = re.compile(r"%([0-9A-F]{2})")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


class Entry(NamedTuple):
    """An object or a folder in a folder."""

    text: str
    """The text that it adds to the key."""
    name: str
    is_object: bool


def check_bucket_name(bucket: str) -> str:
    """Returns the name. Raises Invalid for a name that S3 does not allow."""
    if not is_bucket_name(bucket):
        raise Invalid(f"bucket {bucket[:80]!r}: a name has 3 to 63 lower-case letters, digits, dots and hyphens")
    return bucket


def is_bucket_name(bucket: str) -> bool:
    return bool(_BUCKET.fullmatch(bucket)) and ".." not in bucket and not _IP_ADDRESS.fullmatch(bucket)


def check_key(key: str) -> str:
    """Returns the key. Raises Invalid for an invalid one."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise Invalid(f"a key is text in UTF-8: {error.reason}") from None
    if not 1 <= size <= MAX_KEY_BYTES:
        raise Invalid(f"a key of {size} bytes: 1 to {MAX_KEY_BYTES} are allowed")
    return key


def key_to_names(key: str, max_folders: int = MAX_FOLDERS) -> tuple[str, ...]:
    """Returns the names from the bucket's folder down. The last one is the object's file."""
    *folders, last = key.split("/", max_folders)
    names: list[str] = []
    for component in folders:
        beginnings, rest = _split(component)
        names += [*beginnings, _encode(rest) or _EMPTY]
    beginnings, rest = _split(last)
    return (*names, *beginnings, (_encode(rest) or _EMPTY) + _OBJECT)


def earlier_folder(key: str) -> tuple[str, ...] | None:
    """Returns the names of the folder that earlier versions made beyond the 64th; None for a key without one.

    Where there is such a folder, what belongs into it keeps its names of then: ``key_to_names(key, NO_LIMIT)``.
    """
    folders = key.split("/")[:-1]
    return (
        key_to_names("/".join([*folders[: MAX_FOLDERS + 1], "x"]), NO_LIMIT)[:-1]
        if len(folders) > MAX_FOLDERS
        else None
    )


def parse_entry(name: str) -> Entry | None:
    """Returns None for a file that this store did not make."""
    stem, mark, kind = name.partition("@")
    text = _decode(stem)
    if text is None:
        return None
    match mark + kind:
        case "" if "/" not in text:
            return Entry(text + "/", name, is_object=False)
        case "@":
            return Entry(text, name, is_object=True)
        case "@more":
            return Entry(text, name, is_object=False)
    return None


def _split(component: str) -> tuple[list[str], str]:
    """Returns the names of the beginnings that are cut off, and the rest of the component."""
    beginnings: list[str] = []
    while len(component) * 4 >= _MAX_NAME_BYTES and (cut := _cut_length(component)):
        beginnings.append(_encode(component[:cut]) + _MORE)
        component = component[cut:]
    return beginnings, component


def _cut_length(component: str) -> int:
    """Returns the smallest number of characters whose name has _MAX_NAME_BYTES; 0 when the whole name is shorter.

    It is the smallest, so that no beginning that is cut off begins with another one.
    """
    size = 0
    for position, character in enumerate(component):
        size += _encoded_size(character)
        if size >= _MAX_NAME_BYTES:
            return position + 1
    return 0


def _encoded_size(character: str) -> int:
    return 3 if character == "." or _UNSAFE.match(character) else len(character.encode())


def _encode(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", text)


def _decode(stem: str) -> str | None:
    """Returns None for a stem that ``_encode`` does not make."""
    if not _UNSAFE.search(stem):
        return stem or None
    if stem == _EMPTY:
        return ""
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), stem)
    return text if _encode(text) == stem else None
