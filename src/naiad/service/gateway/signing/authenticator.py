"""Authentication: finds out who signed a request, the owner of a key or the program of a job with a key of its own."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.job import Job
from naiad.service.domain.scope import ObjectLimit, Scope
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing import sigv4
from naiad.service.gateway.signing.post_policy import verify_policy
from naiad.service.gateway.signing.replay_guard import ReplayGuard
from naiad.service.gateway.signing.session import Session, parse_session, session_token
from naiad.service.gateway.signing.signature import SecretOf, VerifiedSignature
from naiad.service.gateway.signing.verify import verify
from naiad.service.keys import Keys
from naiad.service.store.port import Store

EMPTY_HASH = hashlib.sha256().hexdigest()


@dataclass(frozen=True)
class Principal:
    """The one who signed a request."""

    permanent_key: str
    """The access key of the user or the job; that of a session lasts only for a while."""
    name: str
    """The name of the key, or of the job."""
    job: Job | None = None
    """The job whose program signed: it may reach only what its job was given. None for the owner of a key."""
    session: Session | None = None
    """The session whose temporary credentials signed; None for a permanent key."""
    permanent_secret: str = field(default="", repr=False)
    """The secret of the permanent key, from which those of sessions are made."""
    scopes: frozenset[Scope] = frozenset()
    """Rights of the key of a user. The program of a job has none: ``job`` says what it may do."""
    limits: tuple[ObjectLimit, ...] = ()
    """The objects that the key of a user reaches; () are all of them. Those of a program stand in its job."""


@dataclass(frozen=True)
class Authenticator:
    keys: Keys
    store: Store
    clock: Clock
    _replay_guard: ReplayGuard = field(default_factory=ReplayGuard)

    def verify(self, request: Request, *, body_hash: str = EMPTY_HASH) -> VerifiedSignature:
        """Raises RequestRejected."""
        now = self.clock.now()
        session, secret_of = self._signer(session_token(request), now)
        return replace(verify(request, secret_of, now, body_hash=body_hash), session=session)

    def verify_policy(self, fields: Mapping[str, str]) -> VerifiedSignature:
        """Verifies the signature of a form's policy. Raises RequestRejected, Invalid."""
        session, secret_of = self._signer(fields.get("x-amz-security-token"), self.clock.now())
        return replace(verify_policy(fields, secret_of), session=session)

    def check_claim(self, request: Request) -> None:
        """Checks key and date of a signed header, before the body is read. Raises RequestRejected."""
        now = self.clock.now()
        _, secret_of = self._signer(session_token(request), now)
        sigv4.check_claim(request, secret_of, now)

    def check_replay(self, verified: VerifiedSignature) -> None:
        """Raises RequestRejected when a request that changes something came before."""
        self._replay_guard.check(verified, dt.timedelta(seconds=self.clock.monotonic_s()))

    def principal_of(self, verified: VerifiedSignature) -> Principal:
        """Raises AccessDenied when the key was revoked, or its job ended, after the signature was verified."""
        key = self.keys.find(verified.permanent_key)
        if key is not None:
            secret = key.secret_key
            return Principal(key.access_key, key.name, None, verified.session, secret, key.scopes, key.limits)
        job = self.store.find_by_access_key(verified.permanent_key)
        if job is None:
            raise AccessDenied("the key was revoked, or its job has ended")
        return Principal(verified.permanent_key, job.name, job, verified.session, job.secret_key)

    def _signer(self, token: str | None, now: dt.datetime) -> tuple[Session | None, SecretOf]:
        """Returns the session of a token, and the secrets to verify with. Raises RequestRejected.

        A token that this server did not give does not count.
        """
        session = None if token is None else parse_session(token)
        if session is None:
            return None, self._secret_of
        if now >= session.expires_at:
            raise RequestRejected(
                "expired token", "the session has expired: get new credentials, by AssumeRole or GetSessionToken"
            )
        return session, self._session_secret_of(session)

    def _session_secret_of(self, session: Session) -> SecretOf:
        def secret_of(access_key: str) -> str | None:
            permanent = self._secret_of(session.permanent_key) if access_key == session.access_key else None
            return None if permanent is None else session.secret_key(permanent)

        return secret_of

    def _secret_of(self, access_key: str) -> str | None:
        key = self.keys.find(access_key)
        if key is not None:
            return key.secret_key
        job = self.store.find_by_access_key(access_key)
        return job.secret_key if job is not None else None
