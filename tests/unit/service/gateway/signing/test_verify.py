"""Signatures of every form: what botocore signs is verified, and what is changed afterwards is rejected."""

import datetime as dt
import hashlib
import re
from urllib.parse import quote

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from hypothesis import given
from hypothesis import strategies as st

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.credential import claimed_service
from naiad.service.gateway.signing.verify import verify

EMPTY_HASH = hashlib.sha256().hexdigest()
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
VALUES = st.text("abcXYZ019 -_.~!*'()/,;=&+%\"", max_size=20)


def now():
    return dt.datetime.now(dt.UTC)


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    key=TEXT,
    query=st.lists(st.tuples(TEXT, TEXT), max_size=4),
    headers=st.dictionaries(st.sampled_from(["x-amz-meta-a", "x-amz-meta-b", "content-type", "range"]), VALUES),
    body=st.binary(max_size=30),
    service=st.sampled_from(["s3", "sagemaker"]),
)
def test_requests_that_botocore_signs_are_verified(signer, method, key, query, headers, body, service):
    query_string = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query if name)
    path = "/data/" + quote(key, safe="/~-_.") if service == "s3" else "/"
    target = f"{path}?{query_string}" if query_string else path
    verified = signer.verify(signer.sign(method, target, body, service=service, headers=headers), body)
    assert (verified.access_key, verified.service, verified.is_presigned) == (signer.access_key, service, False)
    assert verified.payload_hash == hashlib.sha256(body).hexdigest()


@given(
    where=st.sampled_from(["method", "path", "query_string", "signature", "x-amz-date", "range", "host", "payload"]),
    data=st.data(),
)
def test_any_changed_letter_is_rejected(signer, where, data):
    target, headers = "/data/a/key.txt?list-type=2&prefix=abc", {"Range": "bytes=0-9"}
    request = signer.sign("GET", target, b"", service="s3", headers=headers)
    if where == "signature":
        authorization = request.headers["authorization"]
        start = authorization.index("Signature=") + len("Signature=")
        headers = {**request.headers, "authorization": change_letter(authorization, data, start)}
        wrong = signer.change(request, headers=headers)
    elif where == "payload":
        headers = {**request.headers, "x-amz-content-sha256": change_letter(EMPTY_HASH, data)}
        wrong = signer.change(request, headers=headers)
    elif where in request.headers:
        headers = {**request.headers, where: change_letter(request.headers[where], data)}
        wrong = signer.change(request, headers=headers)
    else:
        wrong = signer.change(request, **{where: change_letter(getattr(request, where), data)})
    with pytest.raises(RequestRejected):
        signer.verify_at(wrong, signer.signing_time(request))


def change_letter(text: str, data: st.DataObject, start: int = 0) -> str:
    """Returns the text with one letter, at ``start`` or later, changed to one that means something else."""
    position = data.draw(st.integers(start, len(text) - 1))
    letter = data.draw(st.sampled_from([one for one in "abz059Q" if one != text[position]]))
    return text[:position] + letter + text[position + 1 :]


@pytest.mark.parametrize("signature", ["", "%FF", "%C3%BC", "%00", "x" * 10_000])
def test_malformed_signatures_in_urls(signer, signature):
    for request in (signer.presign(), signer.presign_v2()):
        query_string = re.sub(r"Signature=[^&]+", f"Signature={signature}", request.query_string)
        with pytest.raises(RequestRejected):
            signer.verify_at(signer.change(request, query_string=query_string), now())


def test_an_added_parameter_is_rejected(signer):
    for request in (signer.sign("GET", "/data?prefix=a", b"", service="s3"), signer.presign()):
        wrong = signer.change(request, query_string=request.query_string + "&uploads=")
        with pytest.raises(RequestRejected, match="does not match"):
            signer.verify(wrong, b"")
    request = signer.presign_v2()
    with pytest.raises(RequestRejected, match="does not match"):
        signer.verify_at(signer.change(request, query_string=request.query_string + "&acl"), now())


def test_an_unknown_key(signer):
    request = signer.sign()
    with pytest.raises(RequestRejected, match="not known") as caught:
        verify(request, lambda _: None, signer.signing_time(request), body_hash=hashlib.sha256(b"{}").hexdigest())
    assert caught.value.kind == "unknown key"


def test_a_presigned_url_of_another_service_covers_the_bodys_hash(signer):
    request = AWSRequest("GET", f"http://{signer.host}/?Action=GetCallerIdentity", headers={"Host": signer.host})
    SigV4QueryAuth(signer.credentials, "sts", "us-east-1", expires=60).add_auth(request)
    received = signer.as_received(request)
    assert signer.verify(received, b"").payload_hash == EMPTY_HASH
    with pytest.raises(RequestRejected, match="does not match"):
        signer.verify(received, b"another")


def test_the_claimed_service(signer):
    assert claimed_service(signer.sign()) == "sagemaker"
    assert claimed_service(signer.presign()) == claimed_service(signer.presign_v2()) == "s3"
    assert claimed_service(Request("GET", "/", "", {})) == ""
    assert claimed_service(Request("GET", "/", "", {"authorization": "AWS4-HMAC-SHA256 Credential=x"})) == ""
