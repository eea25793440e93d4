"""Folders that are stored while the program runs: its checkpoints, brought back before it starts, and continuous outputs."""

import logging
import os
import threading
from pathlib import Path
from typing import IO

from naiad.service.blobs.port import Blobs
from naiad.service.contract.channels import Fetcher, below
from naiad.service.contract.s3_uri import S3Uri
from naiad.service.domain.errors import ServiceError
from naiad.service.jobs.agent.program_files import look, opened

_LOG = logging.getLogger(__name__)
_EVERY_S = 5.0


class FolderSync:
    """Stores a file when it has stayed the same from one look to the next, so that no half-written one is stored."""

    def __init__(self, blobs: Blobs, uri: S3Uri, ml: Path, folder: str, *, every_s: float = _EVERY_S) -> None:
        self._blobs, self._ml, self._folder, self._every_s = blobs, ml, folder, every_s
        self._bucket, self._prefix = uri.bucket, f"{uri.key.rstrip('/')}/" if uri.key.rstrip("/") else ""
        self._seen: dict[str, tuple[int, int]] = {}
        self._stored: dict[str, tuple[int, int]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)

    def restore(self, fetcher: Fetcher) -> int:
        """How many files there were. Raises Invalid for a key that is no file's name, NotFound."""
        after, count = "", 0
        while True:
            page = self._blobs.list(self._bucket, prefix=self._prefix, after=after)
            for info in page.blobs:
                if info.key.endswith("/"):
                    continue
                name = info.key.removeprefix(self._prefix)
                path = below(self._ml / self._folder, name)
                fetcher.file(info, path)
                self._stored[name] = _version(path.stat())
                count += 1
            if page.next_after is None:
                return count
            after = page.next_after

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Everything that has changed, when nobody writes any more. Raises ServiceError."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._store(settled_only=False)

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self._store(settled_only=True)
            except (ServiceError, OSError) as error:
                _LOG.warning("%s is not stored yet: %s", self._folder, error)

    def _store(self, *, settled_only: bool) -> None:
        for name in look(self._ml, self._folder).files:
            try:
                file = opened(self._ml, f"{self._folder}/{name}")
            except OSError:
                continue  # the program has removed it meanwhile
            with file:
                self._store_file(name, file, settled_only=settled_only)

    def _store_file(self, name: str, file: IO[bytes], *, settled_only: bool) -> None:
        version = _version(os.fstat(file.fileno()))
        settled = self._seen.get(name) == version
        self._seen[name] = version
        if self._stored.get(name) != version and (settled or not settled_only):
            self._blobs.put(self._bucket, self._prefix + name, file)
            self._stored[name] = version


def _version(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size
