"""Removes multipart uploads that nobody will complete: what a kill has left, and what has been idle for a week.

Idle time is counted while a server runs, on a clock that nobody sets: neither a jump of the machine's clock nor a month in which
the server was off makes an upload old. The count lies in the store's folder, so that it survives the server.
"""

import contextlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

from naiad import durable
from naiad.service.blobs.errors import DamagedObject, NoSuchBucket, NoSuchUpload
from naiad.service.blobs.files import lock_file
from naiad.service.blobs.store_folder import StoreFolder
from naiad.service.blobs.uploads import DESCRIPTION, read_description
from naiad.service.domain.errors import Invalid

_LOG = logging.getLogger(__name__)
IDLE_LIMIT_S = 7 * 86_400.0
UNFINISHED_LIMIT_S = 3600.0
"""An upload's folder without a description, which a kill between two writes has left."""
_STATE_FILE = "idle-uploads.json"


class UploadSweeper:
    """A count of idle time, for one thread of one process."""

    def __init__(self, folder: StoreFolder, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock_s = folder, clock_s
        self._file = folder.uploads.with_name(_STATE_FILE)
        self._swept_at_s = clock_s()
        self._idle = self._read()

    def sweep(self) -> int:
        """Returns the number of uploads that were removed. Raises OSError."""
        now_s = self._clock_s()
        passed_s, self._swept_at_s = now_s - self._swept_at_s, now_s
        before, self._idle, removed = self._idle, {}, 0
        for path in self._upload_folders():
            name, signature = f"{path.parent.name}/{path.name}", _signature(path)
            old_signature, idle_s = before.get(name, ("", 0.0))
            idle_s = idle_s + passed_s if signature == old_signature else 0.0
            reason = self._removal_reason(path, idle_s)
            if reason is None:
                self._idle[name] = signature, idle_s
            elif self._remove(path):
                removed += 1
                _LOG.info("the multipart upload %s was removed: %s", name, reason)
        durable.ensure_content(self._file, json.dumps(self._idle).encode(), mode=0o600)
        return removed

    def _removal_reason(self, path: Path, idle_s: float) -> str | None:
        upload = read_description(path)
        if upload is None:
            return "it was never begun" if idle_s >= UNFINISHED_LIMIT_S else None
        if self._is_completed(upload.bucket, upload.key, upload.upload_id):
            return "it is completed"
        return f"it was idle for {idle_s / 86_400:.0f} days" if idle_s >= IDLE_LIMIT_S else None

    def _is_completed(self, bucket: str, key: str, upload_id: str) -> bool:
        try:
            record = self._folder.find_record(bucket, key)
        except (DamagedObject, Invalid):
            return False
        except NoSuchBucket:
            return True
        return record is not None and record.upload_id == upload_id

    def _remove(self, path: Path) -> bool:
        """Removes an upload that is not being completed right now."""
        with contextlib.suppress(FileNotFoundError, NoSuchUpload):
            if not (path / DESCRIPTION).exists():
                self._folder.remove_tree(path)
                return True
            with contextlib.suppress(BlockingIOError), lock_file(path / DESCRIPTION, wait=False):
                self._folder.remove_tree(path)
                return True
        return False

    def _upload_folders(self) -> list[Path]:
        return [path for path in sorted(self._folder.uploads.glob("*/*")) if path.is_dir()]

    def _read(self) -> dict[str, tuple[str, float]]:
        """Returns (signature, idle seconds) of each upload; nothing where the file is missing or damaged."""
        try:
            values = json.loads(self._file.read_bytes())
            return {str(name): (str(signature), float(idle_s)) for name, (signature, idle_s) in values.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def _signature(path: Path) -> str:
    """Returns a text that changes with each part that is put."""
    with contextlib.suppress(FileNotFoundError):
        files = [(file.name, file.stat()) for file in path.iterdir()]
        return " ".join(sorted(f"{name}:{status.st_ino}:{status.st_mtime_ns}" for name, status in files)) or "empty"
    return ""
