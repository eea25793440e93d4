"""Signatures of POST policies: the form's fields name who signed its policy, in version 4 or 2."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.credential import ALGORITHM, parse_credential
from naiad.service.gateway.signing.signature import (
    UNSIGNED_PAYLOAD,
    SecretOf,
    VerifiedSignature,
    check_equal,
    secret_for,
)
from naiad.service.gateway.signing.sigv4 import signing_key


def verify_policy(fields: Mapping[str, str], secret_of: SecretOf) -> VerifiedSignature:
    """``fields``: those of the form, names in lower case. Does not read the policy.

    Raises RequestRejected, and Invalid where fields of the signature are missing.
    """
    policy = fields.get("policy")
    if policy is None:
        raise RequestRejected("unsigned", "the form has no policy, and only signed forms are accepted here")
    if "x-amz-signature" in fields:
        return _verify_version_4(fields, policy, secret_of)
    for name in ("awsaccesskeyid", "signature"):
        if name not in fields:
            raise Invalid(f"Bucket POST must contain a field named {name!r}: the form has a policy without a signature")
    access_key = fields["awsaccesskeyid"]
    digest = hmac.new(secret_for(access_key, secret_of).encode(), policy.encode(), hashlib.sha1).digest()
    check_equal(base64.b64encode(digest).decode(), fields["signature"], "the signature of the policy does not match")
    return VerifiedSignature(access_key, "s3", UNSIGNED_PAYLOAD, is_presigned=True)


def policy_access_key(fields: Mapping[str, str]) -> str:
    """Returns the access key that claims to have signed, unverified."""
    return fields.get("x-amz-credential", fields.get("awsaccesskeyid", "")).partition("/")[0]


def _verify_version_4(fields: Mapping[str, str], policy: str, secret_of: SecretOf) -> VerifiedSignature:
    if fields.get("x-amz-algorithm") != ALGORITHM:
        raise Invalid(f"the field x-amz-algorithm of a signed form is {ALGORITHM}")
    access_key, scope = parse_credential(fields.get("x-amz-credential", ""))
    day, region, service, _ = scope.split("/")
    if service != "s3" or not fields.get("x-amz-date", "").startswith(day):
        raise RequestRejected("signature", "the credential is not one for S3 of the day in x-amz-date")
    key = signing_key(secret_for(access_key, secret_of), day, region, service)
    expected = hmac.new(key, policy.encode(), hashlib.sha256).hexdigest()
    check_equal(expected, fields["x-amz-signature"], "the signature of the policy does not match")
    return VerifiedSignature(access_key, service, UNSIGNED_PAYLOAD, signature=expected, is_presigned=True)
