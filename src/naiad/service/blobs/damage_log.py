"""The objects that were found damaged: each is logged once, and counted until it is put again or deleted."""

import logging
import threading

_LOG = logging.getLogger(__name__)


class DamageLog:
    """Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[tuple[str, str], str] = {}

    @property
    def objects(self) -> dict[tuple[str, str], str]:
        """The reasons by (bucket, key)."""
        with self._lock:
            return dict(self._objects)

    def add(self, bucket: str, key: str, reason: str) -> None:
        with self._lock:
            if (bucket, key) in self._objects:
                return
            self._objects[bucket, key] = reason
        _LOG.error(
            "the object %r in bucket %s is damaged: %s; bring it back from a copy, or delete it", key, bucket, reason
        )

    def forget(self, bucket: str, key: str) -> None:
        """Called when the object was replaced or deleted."""
        if self._objects:
            with self._lock:
                self._objects.pop((bucket, key), None)
