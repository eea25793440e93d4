"""Access keys: who may use the server. One file, readable by its owner only, that other processes may change at any time."""

import contextlib
import datetime as dt
import fcntl
import json
import math
import os
import secrets
import string
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from naiad import durable
from naiad.errors import FolderError
from naiad.service.domain.errors import AlreadyExists, InUse, Invalid, NotFound
from naiad.service.domain.scope import ALL_SCOPES, ObjectLimit, Scope, parse_limit, scope_words, with_implied

_FILE = "keys.json"
_LOCK_FILE = "keys.lock"
_DEFAULT_NAME = "default"
_ALPHABET = string.ascii_uppercase + "234567"
_NAME_CHARACTERS = frozenset(string.ascii_letters + string.digits + "-_.")


@dataclass(frozen=True)
class Key:
    name: str
    access_key: str
    secret_key: str = field(repr=False)
    created_at: str = ""
    """ISO 8601, in UTC."""
    revoked_at: str | None = None
    """ISO 8601, in UTC; None while the key is in use."""
    scopes: frozenset[Scope] = ALL_SCOPES
    """Rights of the key; files of earlier versions do not have it, and their keys may do everything."""
    limits: tuple[ObjectLimit, ...] = ()
    """The objects that the key reaches; () are all of them."""

    @property
    def is_admin(self) -> bool:
        return Scope.ADMIN in self.scopes

    def to_json(self) -> dict[str, Any]:
        """Returns the values as the file holds them."""
        own = {"scopes": scope_words(self.scopes).split(", "), "limits": list(map(str, self.limits))}
        return {**{name: value for name, value in asdict(self).items() if name not in own}, **own}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Key":
        """Raises TypeError, ValueError, Invalid for values that are not those of a key."""
        scopes = frozenset(map(Scope, values.get("scopes", Scope)))
        limits = tuple(map(parse_limit, values.get("limits", ())))
        return cls(**{**values, "scopes": scopes, "limits": limits})


class Keys:
    """The keys of a state folder. Safe for threads and processes: no change is lost, and each reads the changes of others."""

    def __init__(self, path: Path, *, max_age_s: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        """``max_age_s``: how long ``find`` may use what it read before; a server calls it thousands of times a second."""
        self._path = path
        self._max_age_s, self._clock, self._checked_at_s = max_age_s, clock, -math.inf
        self._version: tuple[int, int, int] | None = None
        """(inode, time of change, size) of the file that was read."""
        self._by_access_key: dict[str, Key] = {}

    @classmethod
    def open(cls, folder: Path, *, max_age_s: float = 0.0) -> "Keys":
        """Creates the first key, ``default``, where there is none. Raises FolderError."""
        keys = cls(folder / _FILE, max_age_s=max_age_s)
        with keys._exclusive_lock():
            if not keys.all():
                keys._write((_make_key(_DEFAULT_NAME),))
        return keys

    def find(self, access_key: str) -> Key | None:
        """Returns None for a key that is unknown or revoked."""
        now_s = self._clock()
        if now_s - self._checked_at_s >= self._max_age_s:
            self._checked_at_s = now_s
            self._refresh()
        key = self._by_access_key.get(access_key)
        return key if key is not None and key.revoked_at is None else None

    def all(self) -> tuple[Key, ...]:
        """Returns all keys, revoked ones too, in the order of creation."""
        self._refresh()
        return tuple(self._by_access_key.values())

    def first(self) -> Key:
        """Returns the oldest key in use, one that may do everything before one that may not. Raises NotFound."""
        in_use = [key for key in self.all() if key.revoked_at is None]
        if not in_use:
            raise NotFound("every key is revoked", hint="make one: naiad keys add NAME")
        return next((key for key in in_use if key.is_admin), in_use[0])

    def add(self, name: str, scopes: Iterable[Scope] = ALL_SCOPES, limits: Iterable[ObjectLimit] = ()) -> Key:
        """Raises AlreadyExists when a key of that name is in use.

        Raises Invalid for a name that is not allowed, no scope, and limits of a key that may do everything.
        """
        scopes, limits = with_implied(scopes), tuple(limits)
        if not scopes:
            raise Invalid("a key needs something that it may do")
        if limits and Scope.ADMIN in scopes:
            raise Invalid("a key for admin reaches every object", hint="leave out --on, or --can admin")
        if not 1 <= len(name) <= 64 or not set(name) <= _NAME_CHARACTERS:
            raise Invalid(f"a key's name is 1 to 64 letters, digits and -_. , given {name!r}")
        with self._exclusive_lock():
            keys = self.all()
            if any(key.name == name and key.revoked_at is None for key in keys):
                raise AlreadyExists(
                    f"a key of the name {name!r} exists already", hint="choose another name, or revoke that key first"
                )
            key = replace(_make_key(name), scopes=scopes, limits=limits)
            self._write((*keys, key))
        return key

    def revoke(self, name: str) -> Key:
        """Revokes a key for every later request.

        Raises NotFound, and InUse for the last key that may do everything: nobody could use the whole server.
        """
        with self._exclusive_lock():
            keys = self.all()
            in_use = [key for key in keys if key.revoked_at is None]
            key = next((key for key in in_use if key.name == name), None)
            if key is None:
                raise NotFound(f"no key in use is called {name!r}", hint="see naiad keys list")
            if key.is_admin and sum(other.is_admin for other in in_use) == 1:
                raise InUse(
                    f"{name!r} is the last key in use that may do everything",
                    hint="make another one first: naiad keys add NAME",
                )
            revoked = replace(key, revoked_at=_now())
            self._write(tuple(revoked if other is key else other for other in keys))
        return revoked

    @contextlib.contextmanager
    def _exclusive_lock(self) -> Iterator[None]:
        """Excludes changes of the file by other threads and processes. Raises FolderError."""
        try:
            descriptor = os.open(self._path.with_name(_LOCK_FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderError(f"{self._path.parent} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)  # noqa: PTH116  # reason: called for every request, and three times as fast as pathlib
        except FileNotFoundError:
            return
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
        if version == self._version:
            return
        try:
            keys = [Key.from_json(values) for values in json.loads(self._path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError, Invalid) as error:
            raise FolderError(f"{self._path} cannot be read: {error}", hint="bring it back from a copy") from error
        self._by_access_key = {key.access_key: key for key in keys}
        self._version = version

    def _write(self, keys: tuple[Key, ...]) -> None:
        """Call inside ``_exclusive_lock``."""
        try:
            durable.write_file(self._path, json.dumps([key.to_json() for key in keys], indent=1).encode(), mode=0o600)
        except OSError as error:
            raise FolderError(f"{self._path} cannot be written: {error.strerror}") from error
        self._refresh()


def _make_key(name: str) -> Key:
    access_key = "AKIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return Key(name, access_key, secrets.token_urlsafe(30), _now())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
