"""Authentication: finds out who signed a request, the owner of a key or the program of a job with a key of its own."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.job import Job
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.signing import sigv4
from naiad.service.gateway.signing.post_policy import verify_policy
from naiad.service.gateway.signing.replay_guard import ReplayGuard
from naiad.service.gateway.signing.signature import VerifiedSignature
from naiad.service.gateway.signing.verify import verify
from naiad.service.keys import Keys
from naiad.service.store.port import Store

EMPTY_HASH = hashlib.sha256().hexdigest()


@dataclass(frozen=True)
class Principal:
    """The one who signed a request."""

    access_key: str
    name: str
    """The name of the key, or of the job."""
    job: Job | None = None
    """The job whose program signed: it may reach only what its job was given. None for the owner of a key."""


@dataclass(frozen=True)
class Authenticator:
    keys: Keys
    store: Store
    clock: Clock
    _replay_guard: ReplayGuard = field(default_factory=ReplayGuard)

    def verify(self, request: Request, *, body_hash: str = EMPTY_HASH) -> VerifiedSignature:
        """Raises RequestRejected."""
        return verify(request, self._secret_of, self.clock.now(), body_hash=body_hash)

    def verify_policy(self, fields: Mapping[str, str]) -> VerifiedSignature:
        """Verifies the signature of a form's policy. Raises RequestRejected, Invalid."""
        return verify_policy(fields, self._secret_of)

    def check_claim(self, request: Request) -> None:
        """Checks key and date of a signed header, before the body is read. Raises RequestRejected."""
        sigv4.check_claim(request, self._secret_of, self.clock.now())

    def check_replay(self, verified: VerifiedSignature) -> None:
        """Raises RequestRejected when a request that changes something came before."""
        self._replay_guard.check(verified, self.clock.now())

    def is_key_of_user(self, verified: VerifiedSignature) -> bool:
        """Whether the key belongs to a user, and not to a job."""
        return self.keys.find(verified.access_key) is not None

    def principal_of(self, verified: VerifiedSignature) -> Principal:
        """Raises AccessDenied when the key was revoked, or its job ended, after the signature was verified."""
        key = self.keys.find(verified.access_key)
        if key is not None:
            return Principal(verified.access_key, key.name)
        job = self.store.find_by_access_key(verified.access_key)
        if job is None:
            raise AccessDenied("the key was revoked, or its job has ended")
        return Principal(verified.access_key, job.name, job)

    def _secret_of(self, access_key: str) -> str | None:
        key = self.keys.find(access_key)
        if key is not None:
            return key.secret_key
        job = self.store.find_by_access_key(access_key)
        return job.secret_key if job is not None else None
