"""Stores a folder while the program runs: its checkpoints, which are restored before it starts, and continuous outputs."""

import logging
import os
import threading
from pathlib import Path
from typing import IO

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.channels import ChannelFetcher, path_below
from naiad.service.contract.s3_uri import S3Uri
from naiad.service.domain.errors import ServiceError
from naiad.service.walls.program_files import list_folder, open_file

_LOG = logging.getLogger(__name__)
_INTERVAL_S = 5.0


class FolderSync:
    """Stores a file when it has not changed between two passes, so that no half-written file is stored."""

    def __init__(self, blobs: BlobStore, uri: S3Uri, ml: Path, folder: str, *, interval_s: float = _INTERVAL_S) -> None:
        self._blobs, self._ml, self._folder, self._interval_s = blobs, ml, folder, interval_s
        self._bucket, self._prefix = uri.bucket, f"{uri.key.rstrip('/')}/" if uri.key.rstrip("/") else ""
        self._last_versions: dict[str, tuple[int, int]] = {}
        self._stored_versions: dict[str, tuple[int, int]] = {}
        self._stop_event = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)

    def restore(self, fetcher: ChannelFetcher) -> int:
        """Fetches what is stored and returns the number of files.

        Raises Invalid for a key that cannot be a file's name, NotFound.
        """
        after, count = "", 0
        while True:
            page = self._blobs.list(self._bucket, prefix=self._prefix, start_after=after)
            for info in page.objects:
                if info.key.endswith("/"):
                    continue
                name = info.key.removeprefix(self._prefix)
                path = path_below(self._ml / self._folder, name)
                fetcher.fetch_object(info, path)
                self._stored_versions[name] = _version(path.stat())
                count += 1
            if page.next_start_after is None:
                return count
            after = page.next_start_after

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Stores everything that has changed. Called when the program has ended. Raises ServiceError."""
        self._stop_event.set()
        if self._thread.is_alive():
            self._thread.join()
        self._store(only_unchanged=False)

    def _run(self) -> None:
        while not self._stop_event.wait(self._interval_s):
            try:
                self._store(only_unchanged=True)
            except (ServiceError, OSError) as error:
                _LOG.warning("%s is not stored yet: %s", self._folder, error)

    def _store(self, *, only_unchanged: bool) -> None:
        for name in list_folder(self._ml, self._folder).files:
            try:
                file = open_file(self._ml, f"{self._folder}/{name}")
            except OSError:
                continue  # the program has removed it meanwhile
            with file:
                self._store_file(name, file, only_unchanged=only_unchanged)

    def _store_file(self, name: str, file: IO[bytes], *, only_unchanged: bool) -> None:
        version = _version(os.fstat(file.fileno()))
        is_unchanged = self._last_versions.get(name) == version
        self._last_versions[name] = version
        if self._stored_versions.get(name) != version and (is_unchanged or not only_unchanged):
            self._blobs.put(self._bucket, self._prefix + name, file)
            self._stored_versions[name] = version


def _version(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size
