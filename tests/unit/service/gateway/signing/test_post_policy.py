"""Signatures of POST policies."""

import base64
import hashlib
import hmac

import pytest
from botocore.auth import HmacV1PostAuth, S3SigV4PostAuth
from botocore.awsrequest import AWSRequest

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.post_policy import verify_policy


@pytest.fixture(params=["version 4", "version 2"])
def fields(request, signer):
    """The fields of a form that botocore signs, names in lower case."""
    auth = (
        S3SigV4PostAuth(signer.credentials, "s3", "us-east-1")
        if request.param == "version 4"
        else HmacV1PostAuth(signer.credentials)
    )
    message = AWSRequest("POST", f"http://{signer.host}/data")
    message.context["s3-presign-post-fields"] = {"key": "k"}
    message.context["s3-presign-post-policy"] = {"expiration": "2030-01-01T00:00:00Z", "conditions": []}
    auth.add_auth(message)
    return {name.lower(): value for name, value in message.context["s3-presign-post-fields"].items()}


def test_what_botocore_signs_is_verified(signer, fields):
    verified = verify_policy(fields, signer.secret_of)
    assert (verified.access_key, verified.service, verified.is_presigned) == (signer.access_key, "s3", True)


def test_another_policy_is_rejected(signer, fields):
    with pytest.raises(RequestRejected) as caught:
        verify_policy({**fields, "policy": base64.b64encode(b"{}").decode()}, signer.secret_of)
    assert caught.value.kind == "signature"


def test_an_unknown_key_is_rejected(fields):
    with pytest.raises(RequestRejected) as caught:
        verify_policy(fields, lambda _: None)
    assert caught.value.kind == "unknown key"


def test_a_form_without_a_policy_is_not_signed(signer):
    with pytest.raises(RequestRejected) as caught:
        verify_policy({"key": "k"}, signer.secret_of)
    assert caught.value.kind == "unsigned"


def test_a_policy_without_a_whole_signature(signer, fields):
    for name in ("signature", "awsaccesskeyid", "x-amz-algorithm"):
        if name in fields:
            with pytest.raises(Invalid):
                verify_policy({key: value for key, value in fields.items() if key != name}, signer.secret_of)


@pytest.mark.parametrize(
    "changed",
    [{"x-amz-credential": "AKIDEXAMPLE/20260101/us-east-1/sagemaker/aws4_request"}, {"x-amz-date": "19990101"}],
)
def test_a_credential_of_another_service_or_day(signer, changed):
    policy = base64.b64encode(b"{}").decode()
    fields = {
        "policy": policy,
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": "AKIDEXAMPLE/20260101/us-east-1/s3/aws4_request",
        "x-amz-date": "20260101T000000Z",
        "x-amz-signature": hmac.new(b"", policy.encode(), hashlib.sha256).hexdigest(),
        **changed,
    }
    with pytest.raises(RequestRejected, match="credential is not one for S3"):
        verify_policy(fields, signer.secret_of)
