"""Listing a bucket's folder in the order of its keys, from any key on, without reading more folders than the page needs.

The names of large folders are remembered between pages, and used again only while the folder has the inode and time of
change that it had; a folder that changed in the last moments is read anew, so what other processes do is always seen.
"""

import bisect
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from naiad.service.blobs.names import Entry, entry_of

_LARGE = 512
_MOST_REMEMBERED = 300_000
"""Names in all."""
_SETTLED_NS = 2 * 10**9
"""A change within the clock's grain of the last reading would not show; after this long one must."""


class FolderCache:
    """The entries of folders, in order. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._remembered: OrderedDict[str, tuple[tuple[int, int], list[Entry]]] = OrderedDict()

    def entries(self, folder: str) -> list[Entry]:
        """Empty for a folder that is gone, or a file that is none of ours."""
        try:
            stamp = _stamp(folder)
            with self._lock:
                known = self._remembered.get(folder)
            if known and known[0] == stamp:
                return known[1]
            names = os.listdir(folder)  # noqa: PTH208 - 100,000 names, no paths
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = sorted(filter(None, map(entry_of, names)), key=itemgetter(0))
        self._remember(folder, stamp, found)
        return found

    def _remember(self, folder: str, stamp: tuple[int, int], found: list[Entry]) -> None:
        settled = time.time_ns() - stamp[1] > _SETTLED_NS
        with self._lock:
            self._remembered.pop(folder, None)
            if len(found) < _LARGE or not settled:
                return
            self._remembered[folder] = stamp, found
            total = sum(len(entries) for _, entries in self._remembered.values())
            while total > _MOST_REMEMBERED and len(self._remembered) > 1:
                total -= len(self._remembered.popitem(last=False)[1][1])


def _stamp(folder: str) -> tuple[int, int]:
    found = os.stat(folder)  # noqa: PTH116 - as above
    return found.st_ino, found.st_mtime_ns


@dataclass
class _Level:
    folder: str
    base: str
    """What every key below begins with."""
    entries: list[Entry]
    index: int


class KeyWalk:
    """Keys with ``prefix`` and behind ``after``, in order."""

    def __init__(self, names: FolderCache, folder: Path, *, prefix: str, after: str) -> None:
        self._names, self._prefix, self._after = names, prefix, after
        self._bound = max(prefix, after)
        self._levels = [self._level(str(folder), "")]

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
                if self._may_hold(key):
                    self._levels.append(self._level(f"{level.folder}/{entry.name}", key))
            elif key > self._after and key.startswith(self._prefix):
                return key
            if key > self._prefix and not key.startswith(self._prefix) and not self._prefix.startswith(key):
                level.index = len(level.entries)
        return None

    def skip(self, beginning: str) -> None:
        """Passes over every key that begins so. The last key given did."""
        while self._levels and self._levels[-1].base.startswith(beginning):
            self._levels.pop()
        if self._levels:
            level = self._levels[-1]
            while level.index < len(level.entries) and (level.base + level.entries[level.index].text).startswith(
                beginning
            ):
                level.index += 1

    def _may_hold(self, base: str) -> bool:
        behind = base > self._after or self._after.startswith(base)
        return behind and (base.startswith(self._prefix) or self._prefix.startswith(base))

    def _level(self, folder: str, base: str) -> _Level:
        """Begins at the last entry that the bound may be below of."""
        entries = self._names.entries(folder)
        index = 0
        if self._bound.startswith(base):
            index = max(0, bisect.bisect_left(entries, (self._bound[len(base) :],)) - 1)
        return _Level(folder, base, entries, index)


@dataclass(frozen=True)
class KeyPage:
    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    next_start_after: str | None


def page_of(walk: KeyWalk, *, prefix: str, delimiter: str, after: str, limit: int) -> KeyPage:
    keys: list[str] = []
    prefixes: list[str] = []
    last: str | None = None
    while (key := walk.next_key()) is not None:
        group = _group(key, prefix, delimiter)
        if group is not None and group == after:
            walk.skip(group)
            continue
        if len(keys) + len(prefixes) >= limit:
            return KeyPage(tuple(keys), tuple(prefixes), last)
        if group is None:
            keys.append(key)
        else:
            prefixes.append(group)
            walk.skip(group)
        last = group or key
    return KeyPage(tuple(keys), tuple(prefixes), None)


def _group(key: str, prefix: str, delimiter: str) -> str | None:
    cut = key.find(delimiter, len(prefix)) if delimiter else -1
    return key[: cut + len(delimiter)] if cut >= 0 else None
