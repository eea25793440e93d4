"""Lists a bucket's folder in the order of its keys, from any key on, and reads no more folders than the page needs.

The names of large folders are cached between pages. A cached folder is used only while its inode and time of change are the same;
a folder that changed in the last moments is read again, so that changes by other processes are always seen.
"""

import bisect
import heapq
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from naiad.service.blobs.names import Entry, parse_entry

_MIN_CACHED_ENTRIES = 512
_MAX_CACHED_ENTRIES = 300_000
"""The limit for all folders together."""
_SORTED_AT_ONCE = 50_000
_STABLE_AFTER_NS = 2 * 10**9
"""A change within the resolution of the file system's clock leaves the time of change as it was; after this long one shows."""

_Version = tuple[int, int]
"""A folder's inode and time of change in nanoseconds."""


class FolderCache:
    """The entries of folders, in order. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: OrderedDict[str, tuple[_Version, list[Entry]]] = OrderedDict()

    def entries(self, folder: str) -> list[Entry]:
        """Returns an empty list for a folder that is missing, or is a file."""
        try:
            version = _version_of(folder)
            with self._lock:
                cached = self._folders.get(folder)
            if cached and cached[0] == version:
                return cached[1]
            names = os.listdir(folder)  # noqa: PTH208  # reason: 100,000 names need no paths
        except (FileNotFoundError, NotADirectoryError):
            return []
        entries = _sort(list(filter(None, map(parse_entry, names))))
        self._cache(folder, version, entries)
        return entries

    def _cache(self, folder: str, version: _Version, entries: list[Entry]) -> None:
        is_stable = time.time_ns() - version[1] > _STABLE_AFTER_NS
        with self._lock:
            self._folders.pop(folder, None)
            if len(entries) < _MIN_CACHED_ENTRIES or not is_stable:
                return
            self._folders[folder] = version, entries
            total = sum(len(cached) for _, cached in self._folders.values())
            while total > _MAX_CACHED_ENTRIES and len(self._folders) > 1:
                total -= len(self._folders.popitem(last=False)[1][1])


def _sort(entries: list[Entry]) -> list[Entry]:
    """Sorts by the text, at most _SORTED_AT_ONCE in one step, during which no other thread runs."""
    starts = range(0, len(entries), _SORTED_AT_ONCE)
    slices = [sorted(entries[start : start + _SORTED_AT_ONCE], key=itemgetter(0)) for start in starts]
    return slices[0] if len(slices) == 1 else list(heapq.merge(*slices, key=itemgetter(0)))


def _version_of(folder: str) -> _Version:
    status = os.stat(folder)  # noqa: PTH116  # reason: called for every folder of every page
    return status.st_ino, status.st_mtime_ns


@dataclass
class _Level:
    """A folder on the way from the bucket to the current key."""

    folder: str
    base: str
    """The beginning of every key below the folder."""
    entries: list[Entry]
    index: int


class KeyWalk:
    """A walk over the keys that begin with ``prefix`` and come after ``start_after``, in order."""

    def __init__(self, cache: FolderCache, folder: Path, *, prefix: str, start_after: str) -> None:
        self._cache, self._prefix, self._start_after = cache, prefix, start_after
        self._bound = max(prefix, start_after)
        self._levels = [self._make_level(str(folder), "")]

    def next_key(self) -> str | None:
        while self._levels:
            level = self._levels[-1]
            if level.index >= len(level.entries):
                self._levels.pop()
                continue
            entry = level.entries[level.index]
            level.index += 1
            key = level.base + entry.text
            if not entry.is_object:
                if self._may_contain_keys(key):
                    self._levels.append(self._make_level(f"{level.folder}/{entry.name}", key))
            elif key > self._start_after and key.startswith(self._prefix):
                return key
            if key > self._prefix and not key.startswith(self._prefix) and not self._prefix.startswith(key):
                level.index = len(level.entries)
        return None

    def skip_prefix(self, prefix: str) -> None:
        """Skips every key that begins with ``prefix``. The last returned key must begin with it."""
        while self._levels and self._levels[-1].base.startswith(prefix):
            self._levels.pop()
        if self._levels:
            level = self._levels[-1]
            while level.index < len(level.entries) and (level.base + level.entries[level.index].text).startswith(
                prefix
            ):
                level.index += 1

    def _may_contain_keys(self, base: str) -> bool:
        is_after = base > self._start_after or self._start_after.startswith(base)
        return is_after and (base.startswith(self._prefix) or self._prefix.startswith(base))

    def _make_level(self, folder: str, base: str) -> _Level:
        """Starts at the last entry that may contain the bound."""
        entries = self._cache.entries(folder)
        index = 0
        if self._bound.startswith(base):
            index = max(0, bisect.bisect_left(entries, (self._bound[len(base) :],)) - 1)
        return _Level(folder, base, entries, index)


@dataclass(frozen=True)
class KeyPage:
    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    next_start_after: str | None


def collect_page(walk: KeyWalk, *, prefix: str, delimiter: str, start_after: str, limit: int) -> KeyPage:
    keys: list[str] = []
    prefixes: list[str] = []
    last: str | None = None
    while (key := walk.next_key()) is not None:
        common = _common_prefix(key, prefix, delimiter)
        if common is not None and common == start_after:
            walk.skip_prefix(common)
            continue
        if len(keys) + len(prefixes) >= limit:
            return KeyPage(tuple(keys), tuple(prefixes), last)
        if common is None:
            keys.append(key)
        else:
            prefixes.append(common)
            walk.skip_prefix(common)
        last = common or key
    return KeyPage(tuple(keys), tuple(prefixes), None)


def _common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    cut = key.find(delimiter, len(prefix)) if delimiter else -1
    return key[: cut + len(delimiter)] if cut >= 0 else None
