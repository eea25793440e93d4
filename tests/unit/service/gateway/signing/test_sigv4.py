"""AWS's version 4 signatures."""

import datetime as dt
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.signature import UNSIGNED_PAYLOAD
from naiad.service.gateway.signing.sigv4 import MAX_SKEW
from naiad.service.gateway.signing.verify import read_claim, verify

SECOND = dt.timedelta(seconds=1)


@given(st.binary(min_size=1, max_size=50))
def test_another_body_has_another_signature(signer, body):
    request = signer.sign(body=b"")
    with pytest.raises(RequestRejected, match="does not match"):
        signer.verify(request, body)


@pytest.mark.parametrize(
    "path", ["/data//key", "/data/./key", "/data/x/../key", "/data/key/", "/data/%6bey", "/data/KEY"]
)
def test_paths_of_s3_are_signed_as_sent_and_never_normalized(signer, path):
    request = signer.sign("GET", "/data/key", b"", service="s3")
    assert signer.verify(request, b"").service == "s3"
    with pytest.raises(RequestRejected, match="does not match"):
        signer.verify(signer.change(request, path=path), b"")


def test_five_minutes_of_skew_both_ways_to_the_second(signer):
    request = signer.sign()
    for later in (-MAX_SKEW, MAX_SKEW):
        assert signer.verify(request, later=later).access_key == signer.access_key
    for later in (-MAX_SKEW - SECOND, MAX_SKEW + SECOND):
        with pytest.raises(RequestRejected, match="more than five minutes") as caught:
            signer.verify(request, later=later)
        assert caught.value.kind == "skewed"


def test_the_life_of_a_presigned_url_to_the_second(signer):
    request = signer.presign()
    assert signer.verify(request).payload_hash == UNSIGNED_PAYLOAD
    assert signer.verify(request, later=60 * SECOND).is_presigned
    assert signer.verify(request, later=-MAX_SKEW).is_presigned
    with pytest.raises(RequestRejected, match="has expired"):
        signer.verify(request, later=61 * SECOND)
    with pytest.raises(RequestRejected, match="in the future"):
        signer.verify(request, later=-MAX_SKEW - SECOND)


@pytest.mark.parametrize("life", ["0", "-1", "604801", "", "x", "1e3", "9" * 30, "0" * 19 + "1" + "9" * 5_000])
def test_a_presigned_url_lives_a_second_to_a_week(signer, life):
    request = signer.presign()
    wrong = signer.change(request, query_string=re.sub(r"Expires=\d+", f"Expires={life}", request.query_string))
    with pytest.raises(RequestRejected):
        signer.verify_at(wrong, dt.datetime.now(dt.UTC))


def test_headers_of_amazon_must_be_signed(signer):
    request = signer.sign()
    for added in ("x-amz-target", "x-amz-copy-source", "x-amz-security-token"):
        headers = {**request.headers, added: "SageMaker.StopTrainingJob"}
        with pytest.raises(RequestRejected, match=f"were not signed: {added}"):
            signer.verify(signer.change(request, headers=headers))
    assert signer.verify(
        signer.change(request, headers={**request.headers, "user-agent": "any", "x-amzn-trace-id": "any"})
    )
    without_host = {name: value for name, value in request.headers.items() if name != "host"}
    with pytest.raises(RequestRejected, match="signed headers are missing: host"):
        signer.verify(signer.change(request, headers=without_host))
    unlisted = request.headers["authorization"].replace("host;", "")
    with pytest.raises(RequestRejected, match="signed headers are missing: host"):
        signer.verify(signer.change(request, headers={**request.headers, "authorization": unlisted}))


def test_credentials_of_another_day_region_or_service(signer):
    request = signer.sign()
    authorization = request.headers["authorization"]
    for old, new in (
        ("us-east-1", "eu-west-1"),
        ("/sagemaker/", "/s3/"),
        ("aws4_request", "aws5"),
        (signer.access_key, "AKIAOTHER"),
    ):
        headers = {**request.headers, "authorization": authorization.replace(old, new, 1)}
        with pytest.raises(RequestRejected):
            signer.verify(signer.change(request, headers=headers))
    day = f"{signer.signing_time(request):%Y%m%d}"
    for another in ("20200101", "", day[:4]):
        headers = {**request.headers, "authorization": authorization.replace(day, another, 1)}
        with pytest.raises(RequestRejected, match="day is not that of the request"):
            signer.verify(signer.change(request, headers=headers))


def test_key_and_date_are_checked_before_the_body(signer):
    request = signer.sign()
    time = signer.signing_time(request)
    read_claim(request, signer.secret_of, time)
    with pytest.raises(RequestRejected, match="five minutes"):
        read_claim(request, signer.secret_of, time + 2 * MAX_SKEW)
    for signed in (request, signer.presign(), signer.presign_v2()):
        read_claim(signed, signer.secret_of, time)
        with pytest.raises(RequestRejected, match="not known") as caught:
            read_claim(signed, lambda _: None, time)
        assert caught.value.kind == "unknown key"
    for url in (signer.presign(), signer.presign_v2()):
        with pytest.raises(RequestRejected, match="has expired"):
            read_claim(url, signer.secret_of, time + 2 * MAX_SKEW)


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic YTpi", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c", "AWS4-HMAC-SHA256 ,=,=,"],
)
def test_malformed_authorizations(signer, authorization):
    request = signer.sign()
    with pytest.raises(RequestRejected):
        signer.verify(signer.change(request, headers={**request.headers, "authorization": authorization}))


@pytest.mark.parametrize("date", ["", "now", "20300101", "20309901T000000Z", "9" * 5_000, "20300101T000000+0100"])
def test_malformed_dates(signer, date):
    request = signer.sign()
    wrong = signer.change(request, headers={**request.headers, "x-amz-date": date})
    with pytest.raises(RequestRejected, match="x-amz-date is not of the form"):
        signer.verify_at(wrong, signer.signing_time(request))


def test_the_example_that_aws_publishes():
    """GET Object of "Authenticating requests: using the authorization header", with its published signature."""
    signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    names = "host;range;x-amz-content-sha256;x-amz-date"
    credential = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": hashlib.sha256().hexdigest(),
        "x-amz-date": "20130524T000000Z",
        "authorization": f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={signature}",
    }
    request = Request("GET", "/test.txt", "", headers)
    now = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert verify(request, lambda _: secret, now, body_hash="").signature == signature
