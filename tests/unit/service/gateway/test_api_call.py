"""Bodies of API calls: whose are read, and how many at once."""

import asyncio
import datetime as dt
from dataclasses import replace

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from naiad.service.gateway.api_call import ApiCall, allowed_seconds
from naiad.service.gateway.http.body import ReceivedBody
from naiad.service.gateway.protocol.route import Route

HOST, WINDOW = "127.0.0.1:8128", dt.timedelta(minutes=5)


class SilentBody:
    """A body of which no byte comes; records whether it was read."""

    def __init__(self):
        self.was_read = False

    async def __call__(self):
        self.was_read = True
        await asyncio.get_running_loop().create_future()


def send_with_body(client, request, receive):
    """Returns (the status, the body)."""
    messages = []
    asyncio.run(answer(client, request, receive, messages))
    return messages[0]["status"], messages[1]["body"]


async def answer(client, request, receive, messages=None):
    """Returns the status; fills ``messages`` with what is sent."""
    messages = [] if messages is None else messages
    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers]
    scope = {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "query_string": request.query.encode(),
        "headers": headers,
    }

    async def send(message):
        messages.append(message)

    await client.gateway(scope, receive, send)
    return messages[0]["status"]


def test_a_body_that_does_not_come(client):
    put = client.sign(b"x", method="PUT", path="/data/k", service="s3")
    for request in (client.sign_api_call("ListTrainingJobs"), put):
        status, body = send_with_body(client, request, SilentBody())
        assert (status, b"RequestTimeout" in body) == (400, True)


def test_a_body_that_comes_slowly(client):
    async def drip():
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b" ", "more_body": True}

    status, body = send_with_body(client, client.sign_api_call("ListTrainingJobs"), drip)
    assert (status, b"RequestTimeout" in body) == (400, True)


def test_a_body_of_an_unknown_sender_is_not_read(client):
    """A request with an unknown key or a wrong date must not make the server hold four megabytes for its connection."""
    stranger, silent = client.sign_api_call("ListTrainingJobs", key=("AKIANOBODY", "secret")), SilentBody()
    assert send_with_body(client, stranger, silent)[0] == 400
    client.clock.at += 2 * WINDOW
    assert send_with_body(client, client.sign_api_call("ListTrainingJobs"), silent)[0] == 400
    assert not silent.was_read


@pytest.mark.parametrize("form", ["header", "URL, version 4", "URL, version 2", "s3", "s3 URL", "chunks"])
def test_no_form_of_a_signature_has_a_body_read_for_an_unknown_key(client, form, monkeypatch):
    key, silent = ("AKIANOBODY", "secret"), SilentBody()
    if form == "header":
        request = client.sign(b"x", path="/endpoints/e/invocations", key=key)
    elif form in ("s3", "chunks"):
        if form == "chunks":
            monkeypatch.setattr(S3SigV4Auth, "payload", lambda *_: "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        request = client.sign(b"x", method="PUT", path="/data/k", service="s3", key=key)
    else:
        path, service = ("/data/k", "s3") if form == "s3 URL" else ("/endpoints/e/invocations", "sagemaker")
        auth = HmacV1QueryAuth if form.endswith("2") else SigV4QueryAuth
        aws = AWSRequest("POST", f"http://{HOST}{path}", headers={"Host": HOST})
        places = () if auth is HmacV1QueryAuth else (service, "us-east-1")
        auth(Credentials(*key), *places, expires=60).add_auth(aws)
        query = aws.prepare().url.partition("?")[2]
        headers = [("host", HOST), ("content-length", "26000000")]
        request = replace(client.sign(), path=path, query=query, headers=headers)
    status, body = send_with_body(client, request, silent)
    assert status in (400, 403), body
    assert not silent.was_read


@pytest.mark.parametrize("word", ["STREAMING-FOO", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "x"])
def test_a_payload_word_that_nobody_serves(client, monkeypatch, word):
    monkeypatch.setattr(S3SigV4Auth, "payload", lambda *_: word)
    silent = SilentBody()
    status, body = send_with_body(client, client.sign(b"", method="PUT", path="/data/k", service="s3"), silent)
    assert (status, b"<Code>InvalidArgument</Code>" in body) == (400, True)
    assert not silent.was_read


def test_bodies_of_unknown_senders_share_one_budget(client):
    """A key's name is no secret: with a wrong signature it has a body read, but not many at once."""
    wrong = (client.keys.first().access_key, "wrong")
    headers = {"content-length": str(25 * 2**20)}
    request = client.sign(b"x", path="/endpoints/e/invocations", key=wrong, headers=headers)

    async def run():
        bodies = [SilentBody() for _ in range(20)]
        answers = [asyncio.ensure_future(answer(client, request, body)) for body in bodies]
        for _ in range(20):
            await asyncio.sleep(0)
        read = sum(body.was_read for body in bodies)
        return read, await asyncio.gather(*answers)

    read, statuses = asyncio.run(run())
    assert read == 1
    assert set(statuses) == {400}


def test_a_long_body_stays_in_its_pieces():
    """Joining 25 MiB and packing them into a frame held up the loop for a tenth of a second."""
    short, long = ReceivedBody([b"a", b"b"], 2, ""), ReceivedBody([bytes(2**20), b"b"], 2**20 + 1, "")
    assert ApiCall(Route("sagemaker-runtime", "rest-json"), short, None).body_or_pieces == b"ab"
    assert ApiCall(Route("sagemaker-runtime", "rest-json"), long, None).body_or_pieces is long.pieces


def test_a_form_is_shorter_than_json(client):
    """A form is read on the event loop, to see whether it changes something; CloudWatch is served in both forms."""
    body = b"Action=GetCallerIdentity&x=" + b"x" * 128 * 1024
    assert client.send(client.sign(body, service="sts")).status == 413
    target = {"X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics"}
    body = b'{"Namespace": "' + b"x" * 128 * 1024 + b'"}'
    assert client.send(client.sign(body, service="monitoring", headers=target)).status == 400


def test_a_short_body_has_less_time_than_a_long_one():
    """Who knows a key's name can hold a place by a body that does not come: of two bytes for a minute."""
    assert allowed_seconds(2) < 11
    assert allowed_seconds(25 * 2**20) > 60
