"""Reads every stored object in the background and compares it with its checksums, so that damage is found before it is needed.

It works in small steps, one file after the other. A file of an older version has no sums; its
content is compared with its ETag where that is an MD5.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.blobs.errors import DamagedObject, NoSuchBucket
from naiad.service.blobs.names import is_bucket_name
from naiad.service.blobs.object_file import ContentReader, ObjectFile, damage_reason
from naiad.service.blobs.object_walk import walk_objects
from naiad.service.blobs.store_folder import StoreFolder

_OBJECT_COST_BYTES = 65_536
"""A file costs as much as reading so many bytes, however small it is."""
_STEP_BYTES = 8 * 2**20
"""The bytes that a running server reads at a time."""
_PASS_INTERVAL_S = 86_400.0


@dataclass
class ScrubTotals:
    objects: int = 0
    size_bytes: int = 0
    without_sums: int = 0
    """Objects of older versions of which nothing can be compared."""
    damaged: int = 0


class Scrubber:
    """A walk through all objects, for one thread."""

    def __init__(self, folder: StoreFolder) -> None:
        self._folder = folder
        self.totals = ScrubTotals()
        self._walk = self._check_all()

    @property
    def damage(self) -> DamageLog:
        return self._folder.damage

    def step(self, budget_bytes: int) -> bool:
        """Reads about so many bytes. Returns False when it has come to the end; the next step begins anew."""
        while budget_bytes > 0:
            cost = next(self._walk, None)
            if cost is None:
                self._walk = self._check_all()
                return False
            budget_bytes -= cost
        return True

    def _check_all(self) -> Iterator[int]:
        """Yields what each piece of work has cost."""
        self.totals = ScrubTotals()
        for name in sorted(os.listdir(self._folder.root)):  # noqa: PTH208  # reason: only names are needed
            if is_bucket_name(name):
                with contextlib.suppress(NoSuchBucket):
                    for key in walk_objects(self._folder.bucket_folder(name)):
                        yield from self._check(name, key)

    def _check(self, bucket: str, key: str) -> Iterator[int]:
        self.totals.objects += 1
        yield _OBJECT_COST_BYTES
        try:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._open(bucket, key) as file:
                self.totals.size_bytes += file.record.size
                yield from self._check_content(file)
        except (DamagedObject, OSError) as error:
            self.totals.damaged += 1
            self.damage.add(bucket, key, damage_reason(error))

    def _open(self, bucket: str, key: str) -> ObjectFile:
        """Opens the file so that it is read from the disk: what is in memory may be better than what will be read later."""
        file = ObjectFile(self._folder.object_path(bucket, key))
        os.posix_fadvise(file.fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return file

    def _check_content(self, file: ObjectFile) -> Iterator[int]:
        record = file.record
        has_digest = not record.has_sums and record.key_seal is None and "-" not in record.etag
        if not record.has_sums and not has_digest:
            self.totals.without_sums += 1
            return
        reader, position = ContentReader(file), 0
        digest = hashlib.md5(usedforsecurity=False)
        while position < record.size:
            data = reader.read_at(position, record.size)
            position += len(data)
            if has_digest:
                digest.update(data)
            yield len(data)
        if has_digest and digest.hexdigest() != record.etag:
            raise DamagedObject("its content has another MD5 than its ETag")


@dataclass
class ScrubPasses:
    """Passes of a running server: a small step at each call, and a day from the end of one pass to the begin of the next."""

    scrubber: Scrubber
    clock_s: Callable[[], float] = time.monotonic
    _next_pass_at_s: float = 0.0

    def step(self) -> None:
        if self.clock_s() >= self._next_pass_at_s and not self.scrubber.step(_STEP_BYTES):
            self._next_pass_at_s = self.clock_s() + _PASS_INTERVAL_S
