"""Signatures: whatever botocore signs is right, and whatever was changed afterwards is not."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from naiad.service.gateway.raw import RawRequest
from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.sigv4 import MAX_SKEW, UNSIGNED, Signed, check_claim, service_of, verify

ACCESS, SECRET, HOST = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "127.0.0.1:8128"
SECOND = dt.timedelta(seconds=1)


def secret_of(access_key: str) -> str | None:
    return SECRET if access_key == ACCESS else None


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def as_sent(request: AWSRequest) -> RawRequest:
    parts = urlsplit(request.prepare().url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return RawRequest(request.method, parts.path, parts.query, {"host": HOST, **headers})


def signed(
    method: str = "POST",
    target: str = "/",
    body: bytes = b"{}",
    *,
    service: str = "sagemaker",
    headers: Mapping[str, str] | None = None,
) -> RawRequest:
    request = AWSRequest(method, f"http://{HOST}{target}", data=body, headers={"Host": HOST, **(headers or {})})
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    auth(Credentials(ACCESS, SECRET), service, "us-east-1").add_auth(request)
    return as_sent(request)


def at_of(raw: RawRequest) -> dt.datetime:
    text = raw.header("x-amz-date") or raw.asked["X-Amz-Date"]
    return dt.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)


def checked(raw: RawRequest, body: bytes = b"{}", *, later: dt.timedelta = dt.timedelta(0)) -> Signed:
    return verify(raw, secret_of, at_of(raw) + later, body_digest=digest(body))


def changed(raw: RawRequest, **to: object) -> RawRequest:
    values = {"method": raw.method, "path": raw.path, "query_string": raw.query_string, "headers": raw.headers}
    return RawRequest(**{**values, **to})


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
VALUES = st.text("abcXYZ019 -_.~!*'()/,;=&+%\"", max_size=20)


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    key=TEXT,
    query=st.lists(st.tuples(TEXT, TEXT), max_size=4),
    headers=st.dictionaries(st.sampled_from(["x-amz-meta-a", "x-amz-meta-b", "content-type", "range"]), VALUES),
    body=st.binary(max_size=30),
    service=st.sampled_from(["s3", "sagemaker"]),
)
def test_what_botocore_signs_is_right(method, key, query, headers, body, service):
    asked = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query if name)
    path = "/data/" + quote(key, safe="/~-_.") if service == "s3" else "/"
    raw = signed(method, f"{path}?{asked}" if asked else path, body, service=service, headers=headers)
    found = checked(raw, body)
    assert (found.access_key, found.service, found.by_url) == (ACCESS, service, False)
    assert found.payload == digest(body)


@given(
    where=st.sampled_from(["method", "path", "query_string", "signature", "x-amz-date", "range", "host", "payload"]),
    data=st.data(),
)
def test_any_changed_letter_is_wrong(where, data):
    raw = signed("GET", "/data/a/key.txt?list-type=2&prefix=abc", b"", service="s3", headers={"Range": "bytes=0-9"})
    if where == "signature":
        old = raw.headers["authorization"]
        start = old.index("Signature=") + len("Signature=")
        headers = {**raw.headers, "authorization": other(old, data, start)}
        wrong = changed(raw, headers=headers)
    elif where == "payload":
        wrong = changed(raw, headers={**raw.headers, "x-amz-content-sha256": other(digest(b""), data)})
    elif where in raw.headers:
        wrong = changed(raw, headers={**raw.headers, where: other(raw.headers[where], data)})
    else:
        wrong = changed(raw, **{where: other(getattr(raw, where), data)})
    with pytest.raises(Refused):
        verify(wrong, secret_of, at_of(raw), body_digest=digest(b""))


def other(text: str, data: st.DataObject, start: int = 0) -> str:
    """With one letter of it changed to another that means something else."""
    place = data.draw(st.integers(start, len(text) - 1))
    letter = data.draw(st.sampled_from([one for one in "abz059Q" if one != text[place]]))
    return text[:place] + letter + text[place + 1 :]


@given(st.binary(min_size=1, max_size=50))
def test_another_body_is_another_signature(body):
    raw = signed(body=b"")
    with pytest.raises(Refused, match="does not match"):
        checked(raw, body)


@pytest.mark.parametrize(
    "path", ["/data//key", "/data/./key", "/data/x/../key", "/data/key/", "/data/%6bey", "/data/KEY"]
)
def test_a_path_is_signed_as_it_is_and_never_normalised_for_s3(path):
    raw = signed("GET", "/data/key", b"", service="s3")
    assert checked(raw, b"").service == "s3"
    with pytest.raises(Refused, match="does not match"):
        checked(changed(raw, path=path), b"")


def test_five_minutes_both_ways_to_the_second():
    raw = signed()
    for later in (-MAX_SKEW, MAX_SKEW):
        assert checked(raw, later=later).access_key == ACCESS
    for later in (-MAX_SKEW - SECOND, MAX_SKEW + SECOND):
        with pytest.raises(Refused, match="more than five minutes") as caught:
            checked(raw, later=later)
        assert caught.value.kind == "skewed"


def presigned(auth: type = S3SigV4QueryAuth, *, expires_s: int = 60) -> RawRequest:
    request = AWSRequest("GET", f"http://{HOST}/data/key")
    credentials = Credentials(ACCESS, SECRET)
    if auth is HmacV1QueryAuth:
        auth(credentials, expires=expires_s).add_auth(request)
    else:
        auth(credentials, "s3", "us-east-1", expires=expires_s).add_auth(request)
    return as_sent(request)


def test_a_url_of_version_4_to_the_second():
    raw = presigned()
    assert checked(raw).payload == UNSIGNED
    assert checked(raw, later=60 * SECOND).by_url
    assert checked(raw, later=-MAX_SKEW).by_url
    with pytest.raises(Refused, match="has expired"):
        checked(raw, later=61 * SECOND)
    with pytest.raises(Refused, match="in the future"):
        checked(raw, later=-MAX_SKEW - SECOND)


def test_a_url_of_version_2_to_the_second():
    raw = presigned(HmacV1QueryAuth)
    end = dt.datetime.fromtimestamp(int(raw.asked["Expires"]), dt.UTC)
    assert verify(raw, secret_of, end, body_digest="").by_url
    with pytest.raises(Refused, match="has expired"):
        verify(raw, secret_of, end + SECOND, body_digest="")
    with pytest.raises(Refused, match="does not match"):
        verify(changed(raw, path="/data/other"), secret_of, end, body_digest="")
    with pytest.raises(Refused, match="does not match"):
        verify(changed(raw, method="PUT"), secret_of, end, body_digest="")


@pytest.mark.parametrize("query", ["", "?list-type=2&encoding-type=url", "?location", "?uploads&prefix=a"])
@pytest.mark.parametrize("path", ["/data", "/data/"])
def test_a_url_of_version_2_of_a_bucket_is_over_its_path_with_a_slash(path, query):
    request = AWSRequest("GET", f"http://{HOST}{path}{query}", headers={})
    request.auth_path = "/data/"  # as boto3 has it
    HmacV1QueryAuth(Credentials(ACCESS, SECRET), expires=60).add_auth(request)
    raw = as_sent(request)
    assert verify(raw, secret_of, dt.datetime.now(dt.UTC), body_digest="").by_url
    for wrong in ("/other", "/", "/data/x"):
        with pytest.raises(Refused, match="does not match"):
            verify(changed(raw, path=wrong), secret_of, dt.datetime.now(dt.UTC), body_digest="")


def test_a_url_of_another_service_is_over_the_bodys_digest():
    request = AWSRequest("GET", f"http://{HOST}/?Action=GetCallerIdentity", headers={"Host": HOST})
    SigV4QueryAuth(Credentials(ACCESS, SECRET), "sts", "us-east-1", expires=60).add_auth(request)
    raw = as_sent(request)
    assert checked(raw, b"").payload == digest(b"")
    with pytest.raises(Refused, match="does not match"):
        checked(raw, b"another")


@pytest.mark.parametrize("life", ["0", "-1", "604801", "", "x", "1e3", "9" * 30, "0" * 19 + "1" + "9" * 5_000])
def test_a_lifetime_is_a_second_to_a_week(life):
    for raw in (presigned(), presigned(HmacV1QueryAuth)):
        wrong = changed(raw, query_string=re.sub(r"Expires=\d+", f"Expires={life}", raw.query_string))
        with pytest.raises(Refused):
            verify(wrong, secret_of, dt.datetime.now(dt.UTC), body_digest="")


@pytest.mark.parametrize("signature", ["", "%FF", "%C3%BC", "%00", "x" * 10_000])
def test_signatures_that_are_none(signature):
    for raw in (presigned(), presigned(HmacV1QueryAuth)):
        wrong = changed(raw, query_string=re.sub(r"Signature=[^&]+", f"Signature={signature}", raw.query_string))
        with pytest.raises(Refused):
            verify(wrong, secret_of, dt.datetime.now(dt.UTC), body_digest="")


def test_headers_that_matter_must_be_signed():
    raw = signed()
    for added in ("x-amz-target", "x-amz-copy-source", "x-amz-security-token"):
        with pytest.raises(Refused, match=f"were not signed: {added}"):
            checked(changed(raw, headers={**raw.headers, added: "SageMaker.StopTrainingJob"}))
    assert checked(changed(raw, headers={**raw.headers, "user-agent": "any", "x-amzn-trace-id": "any"}))
    without = {name: value for name, value in raw.headers.items() if name != "host"}
    with pytest.raises(Refused, match="signed headers are missing: host"):
        checked(changed(raw, headers=without))
    unlisted = raw.headers["authorization"].replace("host;", "")
    with pytest.raises(Refused, match="signed headers are missing: host"):
        checked(changed(raw, headers={**raw.headers, "authorization": unlisted}))


def test_an_added_parameter_is_a_change():
    for raw in (signed("GET", "/data?prefix=a", b"", service="s3"), presigned()):
        wrong = changed(raw, query_string=raw.query_string + "&uploads=")
        with pytest.raises(Refused, match="does not match"):
            checked(wrong, b"")
    wrong = changed(presigned(HmacV1QueryAuth), query_string=presigned(HmacV1QueryAuth).query_string + "&acl")
    with pytest.raises(Refused, match="does not match"):
        verify(wrong, secret_of, dt.datetime.now(dt.UTC), body_digest="")


def test_a_key_of_another_day_region_or_service():
    raw = signed()
    for old, new in (
        ("us-east-1", "eu-west-1"),
        ("/sagemaker/", "/s3/"),
        ("aws4_request", "aws5"),
        (ACCESS, "AKIAOTHER"),
    ):
        wrong = {**raw.headers, "authorization": raw.headers["authorization"].replace(old, new, 1)}
        with pytest.raises(Refused):
            checked(changed(raw, headers=wrong))
    day = f"{at_of(raw):%Y%m%d}"
    for another in ("20200101", "", day[:4]):
        wrong = {**raw.headers, "authorization": raw.headers["authorization"].replace(day, another, 1)}
        with pytest.raises(Refused, match="day is not that of the request"):
            checked(changed(raw, headers=wrong))


def test_who_is_unknown():
    raw = signed()
    for check in (
        lambda: verify(raw, lambda _: None, at_of(raw), body_digest=digest(b"{}")),
        lambda: check_claim(raw, lambda _: None, at_of(raw)),
    ):
        with pytest.raises(Refused, match="not known") as caught:
            check()
        assert caught.value.kind == "unknown key"


def test_a_claim_is_looked_at_before_the_body_is():
    raw = signed()
    check_claim(raw, secret_of, at_of(raw))
    with pytest.raises(Refused, match="five minutes"):
        check_claim(raw, secret_of, at_of(raw) + 2 * MAX_SKEW)
    check_claim(presigned(), secret_of, at_of(raw))


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic YTpi", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c", "AWS4-HMAC-SHA256 ,=,=,"],
)
def test_what_is_no_signature(authorization):
    raw = signed()
    with pytest.raises(Refused):
        checked(changed(raw, headers={**raw.headers, "authorization": authorization}))


@pytest.mark.parametrize("date", ["", "now", "20300101", "20309901T000000Z", "9" * 5_000, "20300101T000000+0100"])
def test_what_is_no_date(date):
    raw = signed()
    with pytest.raises(Refused, match="x-amz-date is not of the form"):
        verify(changed(raw, headers={**raw.headers, "x-amz-date": date}), secret_of, at_of(raw), body_digest="")


def test_the_service_that_is_claimed():
    assert service_of(signed()) == "sagemaker"
    assert service_of(presigned()) == service_of(presigned(HmacV1QueryAuth)) == "s3"
    assert service_of(RawRequest("GET", "/", "", {})) == ""
    assert service_of(RawRequest("GET", "/", "", {"authorization": "AWS4-HMAC-SHA256 Credential=x"})) == ""


def test_aws_own_example():
    """GET Object of "Authenticating requests: using the authorization header", whose signature AWS publishes."""
    signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    names = "host;range;x-amz-content-sha256;x-amz-date"
    credential = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": digest(b""),
        "x-amz-date": "20130524T000000Z",
        "authorization": f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={signature}",
    }
    raw = RawRequest("GET", "/test.txt", "", headers)
    now = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert verify(raw, lambda _: secret, now, body_digest="").seed == signature
