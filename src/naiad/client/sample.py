"""A few files that stand for many: what a pre-flight looks at where the data is large or elsewhere.

Few files are taken whole. Of many each folder gives some files, spread over it, so that every class of a folder of
images is there. A file is never cut: the head of a sorted table would show one class and refuse a job that is well.
"""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naiad.errors import DataError

MOST_FILES = 256
MOST_BYTES = 256 * 2**20
_LEAST_OF_A_FOLDER = 4
_AT_ONCE = 8


@dataclass(frozen=True)
class Listed:
    name: str
    """Below the data's folder, with slashes."""
    size_bytes: int


def chosen(files: Sequence[Listed], *, of: str) -> list[Listed]:
    """Raises DataError where even the sample is too large."""
    picked = list(files) if len(files) <= MOST_FILES else _some_of_each_folder(files)
    size_bytes = sum(file.size_bytes for file in picked)
    if size_bytes > MOST_BYTES:
        largest = max(picked, key=lambda file: file.size_bytes)
        raise DataError(
            f"{of} is too large for a pre-flight: its file {largest.name} has {largest.size_bytes:,} bytes, and "
            f"{MOST_BYTES:,} in all are fetched at most",
            hint="leave preflight out, or keep the data in smaller files",
        )
    return picked


def sampled_folder(folder: Path, target: Path) -> Path:
    """The folder itself where its files are few; else a copy of a sample of them in ``target``."""
    files = [
        Listed(path.relative_to(folder).as_posix(), path.stat().st_size) for path in folder.rglob("*") if path.is_file()
    ]
    if len(files) <= MOST_FILES:
        return folder
    for file in chosen(files, of=str(folder)):
        shutil.copyfile(folder / file.name, _below(target, file.name))
    return target


def fetched_sample(store: Any, uri: str, target: Path) -> Path:
    """A sample of ``s3://…``, fetched into ``target``; named as a job's channel names it. Raises DataError."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    keys = dict(_listed(store, bucket, prefix))
    if not keys:
        raise DataError(f"there is no object below {uri}", hint="look: aws s3 ls --recursive " + uri)
    picked = chosen(list(keys), of=uri)
    places = [_below(target, file.name) for file in picked]

    def fetch(file: Listed, place: Path) -> None:
        store.download_file(bucket, keys[file], str(place))

    with ThreadPoolExecutor(_AT_ONCE, "naiad-sample") as threads:
        list(threads.map(fetch, picked, places))
    return target


def _listed(store: Any, bucket: str, prefix: str) -> Iterable[tuple[Listed, str]]:
    """(name and size, key) of what a channel of this prefix would hold: one object, a folder, or all that begins so."""
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = [(row["Key"], row["Size"]) for page in pages for row in page.get("Contents", ())]
    start = len(prefix) if prefix.endswith("/") or not prefix else prefix.rfind("/") + 1
    exact = [row for row in found if row[0] == prefix]
    below = [row for row in found if row[0].startswith(f"{prefix}/")]
    if exact and not prefix.endswith("/"):
        found = exact
    elif below and not prefix.endswith("/"):
        found, start = below, len(prefix) + 1
    for key, size_bytes in found:
        if not key.endswith("/"):
            yield Listed(key[start:], size_bytes), key


def _some_of_each_folder(files: Sequence[Listed]) -> list[Listed]:
    folders: dict[str, list[Listed]] = defaultdict(list)
    for file in sorted(files, key=lambda one: one.name):
        folders[file.name.rpartition("/")[0]].append(file)
    count = max(_LEAST_OF_A_FOLDER, MOST_FILES // len(folders))
    return [file for inside in folders.values() for file in _spread(inside, count)]


def _spread(files: list[Listed], count: int) -> list[Listed]:
    if len(files) <= count:
        return files
    return [files[index * len(files) // count] for index in range(count)]


def _below(folder: Path, name: str) -> Path:
    """Raises DataError for a name that would lead out of the folder."""
    parts = name.split("/")
    if not all(part and part not in (".", "..") for part in parts) or "\0" in name:
        raise DataError(f"the key {name[:200]!r} cannot be a file's name", hint="rename the object")
    place = folder.joinpath(*parts)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the key {name[:200]!r} cannot be a file: {error.strerror}", hint="rename the object"
        ) from error
    return place
