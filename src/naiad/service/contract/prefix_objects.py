"""The objects of an S3Prefix, and the names that they get as files.

The prefix is one of keys: ``part`` takes ``part``, ``part-1.csv`` and ``part/0.csv``, whatever else exists. Objects below
``part/`` are named relative to it, since such a prefix mostly means a folder; the others from the last slash of the prefix on.
"""

from collections.abc import Iterator

from naiad.service.blobs.port import BlobStore, ObjectInfo
from naiad.service.contract.s3_uri import S3Uri
from naiad.service.domain.errors import Invalid, NotFound

_PAGE_SIZE = 1_000
_FEW = 10


def list_prefix(blobs: BlobStore, uri: S3Uri, *, page_size: int = _PAGE_SIZE) -> Iterator[ObjectInfo]:
    """Yields the objects whose key begins with that of ``uri``, by key. Leaves out folder objects, whose key ends with a slash.

    Raises NoSuchBucket.
    """
    after = ""
    while True:
        page = blobs.list(uri.bucket, prefix=uri.key, start_after=after, limit=page_size)
        yield from (info for info in page.objects if not info.key.endswith("/"))
        if page.next_start_after is None:
            return
        after = page.next_start_after


def has_object(blobs: BlobStore, uri: S3Uri) -> bool:
    """Whether there is an object with this very key."""
    try:
        blobs.head(uri.bucket, uri.key)
    except NotFound:
        return False
    return True


def has_objects(blobs: BlobStore, uri: S3Uri, *, is_prefix: bool) -> bool:
    """Whether there is an object below the prefix, or one with this very key. Raises NoSuchBucket for a prefix."""
    if is_prefix:
        return any(True for _ in list_prefix(blobs, uri, page_size=_FEW))
    return has_object(blobs, uri)


def named_objects(blobs: BlobStore, uri: S3Uri) -> list[tuple[ObjectInfo, str]]:
    """Returns each object with its name as a file, by key. Raises Invalid where two of them would be one file."""
    objects = list(list_prefix(blobs, uri))
    folder_start = len(uri.key) if uri.key.endswith("/") or not uri.key else len(uri.key) + 1
    last_slash = uri.key.rfind("/") + 1
    folder = uri.key[:folder_start] if folder_start <= len(uri.key) else f"{uri.key}/"

    def name_of(key: str) -> str:
        return file_name(key[folder_start if key.startswith(folder) else last_slash :])

    named = [(info, name_of(info.key)) for info in objects]
    if len({name for _, name in named}) < len(named):  # part/a and a file "a" beside it: keep the folder in the names
        named = [(info, file_name(info.key[last_slash:])) for info in objects]
    _check_distinct(named)
    return named


def file_name(name: str) -> str:
    """Returns a name below a prefix as a relative path: empty elements and "." are left out, as a file system does."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _check_distinct(named: list[tuple[ObjectInfo, str]]) -> None:
    key_of_name: dict[str, str] = {}
    for info, name in named:
        other = key_of_name.setdefault(name, info.key)
        if other != info.key:
            raise Invalid(
                f"the keys {other[:200]!r} and {info.key[:200]!r} would be one file, {name[:200]!r}: rename one of them"
            )
