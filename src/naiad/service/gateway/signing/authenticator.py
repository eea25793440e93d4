"""Authentication: finds out who signed a request, the owner of a key or the program of a job with a key of its own."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.job import Job
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

    access_key: str
    name: str
    """The name of the key, or of the job."""
    job: Job | None = None
    """The job whose program signed: it may reach only what its job was given. None for the owner of a key."""
    session: Session | None = None
    """The session whose temporary credentials signed; None for a permanent key."""
    permanent_secret: str = field(default="", repr=False)
    """The secret of the permanent key, from which those of sessions are made."""

    @property
    def permanent_key(self) -> str:
        """The access key of the user or the job; that of a session lasts only for a while."""
        return self.access_key if self.session is None else self.session.permanent_key


@dataclass(frozen=True)
class Authenticator:
    keys: Keys
    store: Store
    clock: Clock
    _replay_guard: ReplayGuard = field(default_factory=ReplayGuard)

    def verify(self, request: Request, *, body_hash: str = EMPTY_HASH) -> VerifiedSignature:
        """Raises RequestRejected."""
        token, now = session_token(request), self.clock.now()
        session = None if token is None else self._session_of(token, now)
        if session is None:
            return verify(request, self._secret_of, now, body_hash=body_hash)
        verified = verify(request, self._session_secret_of(session), now, body_hash=body_hash)
        return replace(verified, session=session)

    def verify_policy(self, fields: Mapping[str, str]) -> VerifiedSignature:
        """Verifies the signature of a form's policy. Raises RequestRejected, Invalid."""
        token = fields.get("x-amz-security-token")
        session = None if token is None else self._session_of(token, self.clock.now())
        if session is None:
            return verify_policy(fields, self._secret_of)
        return replace(verify_policy(fields, self._session_secret_of(session)), session=session)

    def check_claim(self, request: Request) -> None:
        """Checks key and date of a signed header, before the body is read. Raises RequestRejected."""
        token, now = session_token(request), self.clock.now()
        session = None if token is None else self._session_of(token, now)
        sigv4.check_claim(request, self._secret_of if session is None else self._session_secret_of(session), now)

    def check_replay(self, verified: VerifiedSignature) -> None:
        """Raises RequestRejected when a request that changes something came before."""
        self._replay_guard.check(verified, self.clock.now())

    def is_key_of_user(self, verified: VerifiedSignature) -> bool:
        """Whether the key belongs to a user, and not to a job."""
        return self.keys.find(verified.permanent_key) is not None

    def principal_of(self, verified: VerifiedSignature) -> Principal:
        """Raises AccessDenied when the key was revoked, or its job ended, after the signature was verified."""
        key = self.keys.find(verified.permanent_key)
        if key is not None:
            return Principal(verified.access_key, key.name, None, verified.session, key.secret_key)
        job = self.store.find_by_access_key(verified.permanent_key)
        if job is None:
            raise AccessDenied("the key was revoked, or its job has ended")
        return Principal(verified.access_key, job.name, job, verified.session, job.secret_key)

    def _session_of(self, token: str, now: dt.datetime) -> Session | None:
        """Returns None for a token that this server did not give, which does not count. Raises RequestRejected."""
        session = parse_session(token)
        if session is not None and now >= session.expires_at:
            raise RequestRejected(
                "expired token", "the session has expired: get new credentials, by AssumeRole or GetSessionToken"
            )
        return session

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
