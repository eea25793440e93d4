"""A sample of a job's data for a pre-flight: some files in the place of many.

A few files are taken whole. Of many files, each folder gives some, evenly spaced, so that every class of a folder of images is
there. A file is never cut: the head of a sorted table would show one class and refuse a job that is good.
"""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naiad.errors import DataError

MAX_FILES = 256
MAX_BYTES = 256 * 2**20
_MIN_FILES_A_FOLDER = 4
_PARALLEL_DOWNLOADS = 8


@dataclass(frozen=True)
class DataFile:
    name: str
    """Path below the data's folder, with slashes."""
    size_bytes: int


def choose_files(files: Sequence[DataFile], *, source: str) -> list[DataFile]:
    """Returns the files of the sample. Raises DataError, which names ``source``, where even the sample is too large."""
    sample = list(files) if len(files) <= MAX_FILES else _sample_each_folder(files)
    size_bytes = sum(file.size_bytes for file in sample)
    if size_bytes > MAX_BYTES:
        largest = max(sample, key=lambda file: file.size_bytes)
        raise DataError(
            f"{source} is too large for a pre-flight: its file {largest.name} has {largest.size_bytes:,} bytes, "
            f"and a pre-flight downloads at most {MAX_BYTES:,} in all",
            hint="leave preflight out, or keep the data in smaller files",
        )
    return sample


def sample_folder(folder: Path, target: Path) -> Path:
    """Returns the folder itself where its files are few; else copies a sample of them to ``target`` and returns that."""
    files = [
        DataFile(path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file()
    ]
    if len(files) <= MAX_FILES:
        return folder
    for file in choose_files(files, source=str(folder)):
        shutil.copyfile(folder / file.name, _make_path(target, file.name))
    return target


def download_sample(store: Any, uri: str, target: Path) -> Path:
    """Downloads a sample of ``s3://…`` into ``target``; the files have the names of a job's channel. Raises DataError."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    keys = dict(_list_channel(store, bucket, prefix))
    if not keys:
        raise DataError(f"there is no object below {uri}", hint="look: aws s3 ls --recursive " + uri)
    sample = choose_files(list(keys), source=uri)
    paths = [_make_path(target, file.name) for file in sample]

    def download(file: DataFile, path: Path) -> None:
        store.download_file(bucket, keys[file], str(path))

    with ThreadPoolExecutor(_PARALLEL_DOWNLOADS, "naiad-sample") as threads:
        list(threads.map(download, sample, paths))
    return target


def _list_channel(store: Any, bucket: str, prefix: str) -> Iterable[tuple[DataFile, str]]:
    """Yields (file, key) of what a channel of this prefix holds: one object, a folder, or all keys that begin with it."""
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    objects = [(row["Key"], row["Size"]) for page in pages for row in page.get("Contents", ())]
    start = len(prefix) if prefix.endswith("/") or not prefix else prefix.rfind("/") + 1
    exact = [row for row in objects if row[0] == prefix]
    below = [row for row in objects if row[0].startswith(f"{prefix}/")]
    if exact and not prefix.endswith("/"):
        objects = exact
    elif below and not prefix.endswith("/"):
        objects, start = below, len(prefix) + 1
    for key, size_bytes in objects:
        if not key.endswith("/"):
            yield DataFile(key[start:], size_bytes), key


def _sample_each_folder(files: Sequence[DataFile]) -> list[DataFile]:
    folders: dict[str, list[DataFile]] = defaultdict(list)
    for file in sorted(files, key=lambda one: one.name):
        folders[file.name.rpartition("/")[0]].append(file)
    count = max(_MIN_FILES_A_FOLDER, MAX_FILES // len(folders))
    return [file for members in folders.values() for file in _evenly_spaced(members, count)]


def _evenly_spaced(files: list[DataFile], count: int) -> list[DataFile]:
    if len(files) <= count:
        return files
    return [files[index * len(files) // count] for index in range(count)]


def _make_path(folder: Path, name: str) -> Path:
    """Creates the folders above the file. Raises DataError for a name that would lead out of ``folder``."""
    parts = name.split("/")
    if not all(part and part not in (".", "..") for part in parts) or "\0" in name:
        raise DataError(f"the key {name[:200]!r} cannot be a file's name", hint="rename the object")
    path = folder.joinpath(*parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the key {name[:200]!r} cannot be a file: {error.strerror}", hint="rename the object"
        ) from error
    return path
