"""Named keys: who may use the server. One file, readable by its owner only, that other processes may change meanwhile."""

import contextlib
import datetime as dt
import fcntl
import json
import math
import os
import secrets
import string
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from naiad import durable
from naiad.errors import FolderError
from naiad.service.domain.errors import AlreadyExists, InUse, Invalid, NotFound

_FILE = "keys.json"
_LOCK_FILE = "keys.lock"
_FIRST = "default"
_ALPHABET = string.ascii_uppercase + "234567"
_NAME_LETTERS = frozenset(string.ascii_letters + string.digits + "-_.")


@dataclass(frozen=True)
class Key:
    name: str
    access_key: str
    secret_key: str = field(repr=False)
    created_at: str = ""
    """ISO 8601, in UTC."""
    revoked_at: str | None = None
    """None while it may be used."""


class Keys:
    """Safe for threads and processes: a change by another one is seen at the next look, and none is lost."""

    def __init__(self, path: Path, *, max_age_s: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        """max_age_s: for so long after a look ``find`` does not look again; a server asks thousands of times a second."""
        self._path = path
        self._max_age_s, self._clock, self._looked_at = max_age_s, clock, -math.inf
        self._seen: tuple[int, int, int] | None = None
        self._by_access_key: dict[str, Key] = {}

    @classmethod
    def open(cls, folder: Path, *, max_age_s: float = 0.0) -> "Keys":
        """The keys of a state folder; the first time, with one that is called ``default``. Raises FolderError."""
        keys = cls(folder / _FILE, max_age_s=max_age_s)
        with keys._alone():
            if not keys.all():
                keys._write((_new(_FIRST),))
        return keys

    def find(self, access_key: str) -> Key | None:
        """None for a key that is not there or was revoked."""
        now = self._clock()
        if now - self._looked_at >= self._max_age_s:
            self._looked_at = now
            self._refresh()
        key = self._by_access_key.get(access_key)
        return key if key is not None and key.revoked_at is None else None

    def all(self) -> tuple[Key, ...]:
        """Revoked ones too, in the order in which they were made."""
        self._refresh()
        return tuple(self._by_access_key.values())

    def first(self) -> Key:
        """The oldest that may be used. Raises NotFound."""
        for key in self.all():
            if key.revoked_at is None:
                return key
        raise NotFound("every key is revoked", hint="make one: naiad keys add NAME")

    def add(self, name: str) -> Key:
        """Raises AlreadyExists while a key of that name may be used, Invalid for an odd name."""
        if not 1 <= len(name) <= 64 or not set(name) <= _NAME_LETTERS:
            raise Invalid(f"a key's name is 1 to 64 letters, digits and -_. , given {name!r}")
        with self._alone():
            keys = self.all()
            if any(key.name == name and key.revoked_at is None for key in keys):
                raise AlreadyExists(
                    f"a key is called {name!r} already", hint="choose another name, or revoke that one first"
                )
            key = _new(name)
            self._write((*keys, key))
        return key

    def revoke(self, name: str) -> Key:
        """At once, for every request that comes later. Raises NotFound, InUse for the last key: nobody could come in."""
        with self._alone():
            keys = self.all()
            in_use = [key for key in keys if key.revoked_at is None]
            key = next((key for key in in_use if key.name == name), None)
            if key is None:
                raise NotFound(f"no key in use is called {name!r}", hint="see naiad keys list")
            if len(in_use) == 1:
                raise InUse(f"{name!r} is the last key in use", hint="make another one first: naiad keys add NAME")
            gone = replace(key, revoked_at=_now())
            self._write(tuple(gone if other is key else other for other in keys))
        return gone

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """From the look to the write no other thread and no other process changes the file. Raises FolderError."""
        try:
            lock = os.open(self._path.with_name(_LOCK_FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderError(f"{self._path.parent} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)  # noqa: PTH116  # reason: asked by every request, and a third of what pathlib takes
        except FileNotFoundError:
            return
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
        if version == self._seen:
            return
        try:
            read = [Key(**values) for values in json.loads(self._path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError) as error:
            raise FolderError(f"{self._path} cannot be read: {error}", hint="bring it back from a copy") from error
        self._by_access_key = {key.access_key: key for key in read}
        self._seen = version

    def _write(self, keys: tuple[Key, ...]) -> None:
        """Only inside ``_alone``."""
        durable.write_file(self._path, json.dumps([asdict(key) for key in keys], indent=1).encode(), mode=0o600)
        self._refresh()


def _new(name: str) -> Key:
    access_key = "AKIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return Key(name, access_key, secrets.token_urlsafe(30), _now())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
