"""S3's version 2 signatures in presigned URLs."""

import datetime as dt
import re

import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest

from naiad.service.gateway.rejection import RequestRejected

SECOND = dt.timedelta(seconds=1)


def test_the_life_of_a_url_to_the_second(signer):
    request = signer.presign_v2()
    end = dt.datetime.fromtimestamp(int(request.query_params["Expires"]), dt.UTC)
    assert signer.verify_at(request, end).is_presigned
    with pytest.raises(RequestRejected, match="has expired"):
        signer.verify_at(request, end + SECOND)
    for change in ({"path": "/data/other"}, {"method": "PUT"}):
        with pytest.raises(RequestRejected, match="does not match"):
            signer.verify_at(signer.change(request, **change), end)


@pytest.mark.parametrize("query", ["", "?list-type=2&encoding-type=url", "?location", "?uploads&prefix=a"])
@pytest.mark.parametrize("path", ["/data", "/data/"])
def test_the_path_of_a_bucket_is_signed_with_a_slash(signer, path, query):
    request = AWSRequest("GET", f"http://{signer.host}{path}{query}", headers={})
    request.auth_path = "/data/"  # as boto3 sets it
    HmacV1QueryAuth(signer.credentials, expires=60).add_auth(request)
    received, now = signer.as_received(request), dt.datetime.now(dt.UTC)
    assert signer.verify_at(received, now).is_presigned
    for wrong in ("/other", "/", "/data/x"):
        with pytest.raises(RequestRejected, match="does not match"):
            signer.verify_at(signer.change(received, path=wrong), now)


@pytest.mark.parametrize("end", ["0", "-1", "604801", "", "x", "1e3", "9" * 30, "0" * 19 + "1" + "9" * 5_000])
def test_malformed_ends(signer, end):
    request = signer.presign_v2()
    wrong = signer.change(request, query_string=re.sub(r"Expires=\d+", f"Expires={end}", request.query_string))
    with pytest.raises(RequestRejected):
        signer.verify_at(wrong, dt.datetime.now(dt.UTC))
