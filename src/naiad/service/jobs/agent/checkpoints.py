"""A job's checkpoints: brought back before its program starts, and stored while it runs."""

import threading
from pathlib import Path

from naiad.service.blobs.port import Blobs
from naiad.service.jobs.agent.channels import Fetcher
from naiad.service.jobs.agent.output import files_in
from naiad.service.jobs.s3_uri import S3Uri

_EVERY_S = 5.0


class CheckpointSync:
    """Stores a file when it has stayed the same from one look to the next, so that no half-written one is stored."""

    def __init__(self, blobs: Blobs, uri: S3Uri, folder: Path) -> None:
        self._blobs, self._folder = blobs, folder
        self._bucket, self._prefix = uri.bucket, f"{uri.key.rstrip('/')}/" if uri.key.rstrip("/") else ""
        self._seen: dict[Path, tuple[int, int]] = {}
        self._stored: dict[Path, tuple[int, int]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def restore(self, fetcher: Fetcher) -> int:
        """How many files there were."""
        after, count = "", 0
        while True:
            page = self._blobs.list(self._bucket, prefix=self._prefix, after=after)
            for info in page.blobs:
                path = self._folder / info.key.removeprefix(self._prefix)
                fetcher.file(info, path)
                self._stored[path] = _version(path)
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
        while not self._over.wait(_EVERY_S):
            self._store(settled_only=True)

    def _store(self, *, settled_only: bool) -> None:
        for path in files_in(self._folder):
            try:
                version = _version(path)
                settled = self._seen.get(path) == version
                self._seen[path] = version
                if self._stored.get(path) == version or (settled_only and not settled):
                    continue
                with path.open("rb") as file:
                    self._blobs.put(self._bucket, self._prefix + path.relative_to(self._folder).as_posix(), file)
                self._stored[path] = version
            except FileNotFoundError:
                continue  # the program has removed it meanwhile


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
