"""Temporary credentials."""

import asyncio
import base64
import datetime as dt
import json
from types import SimpleNamespace

import pytest
from botocore.credentials import Credentials

from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.scope import ALL_SCOPES
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.authenticator import Authenticator
from naiad.service.gateway.signing.session import new_session, parse_session
from naiad.service.keys import Keys

HOUR = dt.timedelta(hours=1)


class NoJobs:
    def find_by_access_key(self, access_key):
        return None


@pytest.fixture
def keys(tmp_path):
    return Keys.open(tmp_path)


@pytest.fixture
def authenticator(keys):
    clock = SimpleNamespace(now=lambda: dt.datetime.now(dt.UTC))
    authenticator = Authenticator(keys, NoJobs(), clock)
    yield authenticator
    authenticator.close()


def verify(authenticator, request):
    claim = asyncio.run(authenticator.read_claim(request))
    return authenticator.verify_claim(request, claim)


def session_of(keys, *, lasts=HOUR, **names):
    key = keys.first()
    session = new_session(key.access_key, dt.datetime.now(dt.UTC) + lasts, **names)
    return session, Credentials(session.access_key, session.secret_key(key.secret_key), session.token)


@pytest.mark.parametrize("form", ["sign", "presign", "presign_v2"])
def test_requests_of_a_session_are_verified(signer, keys, authenticator, monkeypatch, form):
    session, credentials = session_of(keys, role="r", name="n")
    monkeypatch.setattr(signer, "credentials", credentials, raising=False)
    request = getattr(signer, form)() if form != "sign" else signer.sign("GET", "/data/k", b"", service="s3")
    verified = verify(authenticator, request)
    assert (verified.access_key, verified.permanent_key) == (session.access_key, keys.first().access_key)
    principal = authenticator.principal_of(verified, None)
    assert (principal.name, principal.session, principal.permanent_key) == ("default", session, keys.first().access_key)
    assert (principal.job, principal.scopes, principal.limits) == (None, ALL_SCOPES, ())


def test_a_session_that_has_expired(signer, keys, authenticator, monkeypatch):
    _, credentials = session_of(keys, lasts=-HOUR)
    monkeypatch.setattr(signer, "credentials", credentials, raising=False)
    with pytest.raises(RequestRejected) as caught:
        verify(authenticator, signer.sign("GET", "/data/k", b"", service="s3"))
    assert caught.value.kind == "expired token"


def change_expiry(token):
    fields = json.loads(base64.urlsafe_b64decode(token))
    return base64.urlsafe_b64encode(json.dumps([*fields[:2], fields[2] + 10**6, *fields[3:]]).encode()).decode()


@pytest.mark.parametrize("change", [change_expiry, lambda token: None, lambda token: "nonsense"])
def test_a_session_whose_token_is_missing_or_changed(signer, keys, authenticator, monkeypatch, change):
    _, credentials = session_of(keys)
    changed = Credentials(credentials.access_key, credentials.secret_key, change(credentials.token))
    monkeypatch.setattr(signer, "credentials", changed, raising=False)
    with pytest.raises(RequestRejected) as caught:
        verify(authenticator, signer.sign("GET", "/data/k", b"", service="s3"))
    assert caught.value.kind in ("signature", "unknown key")


def test_a_session_ends_with_its_key(signer, keys, authenticator, monkeypatch):
    _, credentials = session_of(keys)
    monkeypatch.setattr(signer, "credentials", credentials, raising=False)
    request = signer.sign("GET", "/data/k", b"", service="s3")
    verified = verify(authenticator, request)
    keys.add("other")
    keys.revoke("default")
    with pytest.raises(RequestRejected):
        verify(authenticator, request)
    with pytest.raises(AccessDenied):
        authenticator.principal_of(verified, None)


@pytest.mark.parametrize(
    "token", ["", "x", "ä", "a" * 5000, *(base64.urlsafe_b64encode(json.dumps(value).encode()).decode() for value in (
        [], {}, ["a", "b", "soon", "r", "n"], ["a", "b", 10**20, "r", "n"], ["a", 5, 10, "r", "n"], "text"
    ))],
)  # fmt: skip
def test_tokens_that_are_not_ours(token):
    assert parse_session(token) is None


def test_a_token_says_what_the_session_is(keys):
    session, _ = session_of(keys, role="r", name="n")
    parsed = parse_session(session.token)
    assert (parsed.access_key, parsed.role, parsed.name) == (session.access_key, "r", "n")
    assert keys.first().secret_key not in base64.urlsafe_b64decode(session.token).decode()
