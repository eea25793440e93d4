"""Keys as paths below a bucket's folder, and back. Pure: knows text, touches no disk.

A key is cut at each ``/``. What stands before a cut is a folder, what stands last is an object's file:

    fashion/train.csv   →  fashion/train.csv@
    a//b                →  a/%/b@              an empty component is "%"
    ../x                →  %2E%2E/x@
    (a component too long for one name)  →  its beginning + "@more" / the rest

``@``, ``%``, control characters and leading dots are percent-encoded, so no component can look like a mark and none can leave
the folder; other letters stay readable. In one folder the marks keep apart what may begin alike, so the order of keys is the
order of ``text`` in each folder: every key below a child begins with its text, and no other key of the folder does.
"""

import re
from typing import NamedTuple

from naiad.service.domain.errors import Invalid

MAX_KEY_BYTES = 1024
_LONG_BYTES = 200
"""A component is cut where its name would reach this; a file system allows 255."""
_OBJECT, _MORE = "@", "@more"
_EMPTY = "%"
_UNSAFE = re.compile(r"[%@\x00-\x1f\x7f-\x9f\ud800-\udfff]|^\.")
_ESCAPED = re.compile(r"%([0-9A-F]{2})")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


class Entry(NamedTuple):
    """A child of a folder."""

    text: str
    """What it adds to the key."""
    name: str
    is_object: bool


def check_bucket(bucket: str) -> str:
    """Raises Invalid for a name that S3 does not allow."""
    if not is_bucket(bucket):
        raise Invalid(f"bucket {bucket[:80]!r}: a name has 3 to 63 lower-case letters, digits, dots and hyphens")
    return bucket


def is_bucket(bucket: str) -> bool:
    return bool(_BUCKET.fullmatch(bucket)) and ".." not in bucket and not _ADDRESS.fullmatch(bucket)


def check_key(key: str) -> str:
    """Raises Invalid for what is no key."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise Invalid(f"a key is text that UTF-8 can say: {error.reason}") from None
    if not 1 <= size <= MAX_KEY_BYTES:
        raise Invalid(f"a key of {size} bytes: 1 to {MAX_KEY_BYTES} are allowed")
    return key


def names_of(key: str) -> tuple[str, ...]:
    """The names from the bucket's folder down; the last is the object's file."""
    *folders, last = key.split("/")
    names: list[str] = []
    for component in folders:
        starts, rest = _split(component)
        names += [*starts, _encoded(rest) or _EMPTY]
    starts, rest = _split(last)
    return (*names, *starts, (_encoded(rest) or _EMPTY) + _OBJECT)


def entry_of(name: str) -> Entry | None:
    """None for a file that this store did not make."""
    stem, mark, kind = name.partition("@")
    text = _decoded(stem)
    if text is None:
        return None
    match mark + kind:
        case "":
            return Entry(text + "/", name, is_object=False)
        case "@":
            return Entry(text, name, is_object=True)
        case "@more":
            return Entry(text, name, is_object=False)
    return None


def _split(component: str) -> tuple[list[str], str]:
    starts: list[str] = []
    while len(component) * 4 >= _LONG_BYTES and (cut := _cut(component)):
        starts.append(_encoded(component[:cut]) + _MORE)
        component = component[cut:]
    return starts, component


def _cut(component: str) -> int:
    """How many characters reach _LONG_BYTES; 0 when all of them do not. The least, so that no beginning begins another."""
    size = 0
    for position, character in enumerate(component):
        size += _width(character)
        if size >= _LONG_BYTES:
            return position + 1
    return 0


def _width(character: str) -> int:
    return 3 if character == "." or _UNSAFE.match(character) else len(character.encode())


def _encoded(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _decoded(stem: str) -> str | None:
    if not _UNSAFE.search(stem):
        return stem or None
    if stem == _EMPTY:
        return ""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), stem)
    return text if _encoded(text) == stem else None
