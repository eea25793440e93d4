"""Authentication: finds out who signed a request, the owner of a key or the program of a job with a key of its own."""

import asyncio
import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.job import Job
from naiad.service.domain.scope import ObjectLimit, Scope
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.credential import claimed_access_key
from naiad.service.gateway.signing.post_policy import policy_access_key, verify_policy
from naiad.service.gateway.signing.replay_guard import ReplayGuard
from naiad.service.gateway.signing.session import Session, parse_session, session_token
from naiad.service.gateway.signing.signature import SecretOf, VerifiedSignature
from naiad.service.gateway.signing.verify import Claim, read_claim, verify_claim
from naiad.service.keys import Keys
from naiad.service.store.port import Store

EMPTY_HASH = hashlib.sha256().hexdigest()
_THREADS = 4
_ACCESS_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""The form of a key that is looked for in the store."""


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


class SignerClaim(NamedTuple):
    """The claim of a signature, and what there is of its signer."""

    claim: Claim
    session: Session | None
    """The session whose credentials it claims to have been signed with; None for a permanent key."""
    job: Job | None
    """The job whose key, or session, it claims; None for a user's."""


@dataclass(frozen=True)
class Authenticator:
    """Keys of users are in memory. Those of jobs are in the store, which is asked in threads: it may be slow, or far away."""

    keys: Keys
    store: Store
    clock: Clock
    _replay_guard: ReplayGuard = field(default_factory=ReplayGuard)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS, "naiad-keys"))

    async def read_claim(self, request: Request) -> SignerClaim:
        """Checks key and date of a signature, in whichever form, before a body is read. Raises RequestRejected."""
        now = self.clock.now()
        session = self._session(session_token(request), now)
        permanent_key = claimed_access_key(request) if session is None else session.permanent_key
        key = self.keys.find(permanent_key)
        if key is not None and session is None:  # most requests: nothing is waited for
            return SignerClaim(read_claim(request, {permanent_key: key.secret_key}.get, now), None, None)
        job = await self.find_job(permanent_key)
        return SignerClaim(read_claim(request, self._secrets(session, job), now), session, job)

    def verify_claim(self, request: Request, claim: SignerClaim, *, body_hash: str = EMPTY_HASH) -> VerifiedSignature:
        """``body_hash``: of requests whose signature covers the body and does not carry it. Raises RequestRejected."""
        verified = verify_claim(request, claim.claim, body_hash=body_hash)
        return verified if claim.session is None else replace(verified, session=claim.session)

    async def verify_policy(self, fields: Mapping[str, str]) -> tuple[VerifiedSignature, Job | None]:
        """Verifies the signature of a form's policy; returns the job too whose key it is. Raises RequestRejected, Invalid."""
        session = self._session(fields.get("x-amz-security-token"), self.clock.now())
        job = await self.find_job(policy_access_key(fields) if session is None else session.permanent_key)
        return replace(verify_policy(fields, self._secrets(session, job)), session=session), job

    def check_replay(self, verified: VerifiedSignature) -> None:
        """Raises RequestRejected when a request that changes something came before."""
        self._replay_guard.check(verified, dt.timedelta(seconds=self.clock.monotonic_s()))

    async def find_job(self, permanent_key: str) -> Job | None:
        """Returns the job that has the key now; None for a user's key, and for one that there is not."""
        if self.keys.find(permanent_key) is not None or not _ACCESS_KEY.fullmatch(permanent_key):
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.store.find_by_access_key, permanent_key)

    def principal_of(self, verified: VerifiedSignature, job: Job | None) -> Principal:
        """``job``: as ``find_job`` has it. Raises AccessDenied when the key was revoked, or its job ended, meanwhile."""
        key = self.keys.find(verified.permanent_key)
        if key is not None:
            secret = key.secret_key
            return Principal(key.access_key, key.name, None, verified.session, secret, key.scopes, key.limits)
        if job is None:
            raise AccessDenied("the key was revoked, or its job has ended")
        return Principal(verified.permanent_key, job.name, job, verified.session, job.secret_key)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _session(self, token: str | None, now: dt.datetime) -> Session | None:
        """Returns the session of a token; None for a token that this server did not give. Raises RequestRejected."""
        session = None if token is None else parse_session(token)
        if session is not None and now >= session.expires_at:
            raise RequestRejected(
                "expired token", "the session has expired: get new credentials, by AssumeRole or GetSessionToken"
            )
        return session

    def _secrets(self, session: Session | None, job: Job | None) -> SecretOf:
        """Returns the secrets to verify with."""

        def secret_of(access_key: str) -> str | None:
            key = self.keys.find(access_key)
            if key is not None:
                return key.secret_key
            return job.secret_key if job is not None and job.access_key == access_key else None

        def session_secret_of(access_key: str) -> str | None:
            if session is None or access_key != session.access_key:
                return None
            permanent = secret_of(session.permanent_key)
            return None if permanent is None else session.secret_key(permanent)

        return secret_of if session is None else session_secret_of
