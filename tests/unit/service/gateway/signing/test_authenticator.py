"""Signers are found out without holding up the event loop."""

import asyncio
import datetime as dt
import threading
from types import SimpleNamespace

import pytest

from naiad.service.domain.errors import AccessDenied
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.authenticator import Authenticator
from naiad.service.keys import Keys


class Jobs:
    """A store that notes in which thread it was asked for which key."""

    def __init__(self, *jobs):
        self.jobs, self.asked = {job.access_key: job for job in jobs}, []

    def find_by_access_key(self, access_key):
        self.asked.append((access_key, threading.current_thread() is threading.main_thread()))
        return self.jobs.get(access_key)


@pytest.fixture
def make_authenticator(tmp_path):
    made = []

    def make(*jobs):
        clock = SimpleNamespace(now=lambda: dt.datetime.now(dt.UTC))
        made.append(Authenticator(Keys.open(tmp_path), Jobs(*jobs), clock))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_store_is_asked_in_a_thread_and_for_keys_of_jobs_only(signer, make_authenticator):
    """A store that is locked, or far away, would hold up every request."""
    job = SimpleNamespace(name="train", access_key=signer.access_key, secret_key=signer.secret_key)
    authenticator = make_authenticator(job)
    for request in (signer.sign(), signer.presign(), signer.presign_v2()):
        claim = asyncio.run(authenticator.read_claim(request))
        assert claim.job is job
    assert authenticator.store.asked == [(signer.access_key, False)] * 3
    first = authenticator.keys.first()
    assert asyncio.run(authenticator.find_job(first.access_key)) is None
    assert len(authenticator.store.asked) == 3


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "é", "a/b", "\0"])
def test_what_is_no_key_is_not_looked_for(make_authenticator, key):
    authenticator = make_authenticator()
    assert asyncio.run(authenticator.find_job(key)) is None
    assert authenticator.store.asked == []


def test_a_key_that_nobody_has(signer, make_authenticator):
    with pytest.raises(RequestRejected, match="not known"):
        asyncio.run(make_authenticator().read_claim(signer.sign()))
    with pytest.raises(RequestRejected, match="not signed"):
        asyncio.run(make_authenticator().read_claim(Request("GET", "/", "", {})))


def test_a_job_that_has_ended_meanwhile(signer, make_authenticator):
    job = SimpleNamespace(name="train", access_key=signer.access_key, secret_key=signer.secret_key)
    authenticator, request = make_authenticator(job), signer.sign("GET", "/data/k", b"", service="s3")
    claim = asyncio.run(authenticator.read_claim(request))
    verified = authenticator.verify_claim(request, claim)
    assert authenticator.principal_of(verified, claim.job).name == "train"
    with pytest.raises(AccessDenied, match="its job has ended"):
        authenticator.principal_of(verified, None)
