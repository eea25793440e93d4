"""Policies of POST."""

import base64
import datetime as dt
import json

import pytest

from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.post_policy import parse_policy

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
EXPIRATION = "2026-03-04T06:00:00Z"
CONDITIONS = [
    {"bucket": "data"},
    ["starts-with", "$key", "up/"],
    {"acl": "private"},
    ["eq", "$x-amz-meta-a", "1"],
    ["starts-with", "$Content-Type", ""],
    ["content-length-range", 1, 100],
]
FIELDS = {"bucket": "data", "key": "up/x", "acl": "private", "x-amz-meta-a": "1", "content-type": "any", "policy": "…"}


def encode(document):
    return base64.b64encode(json.dumps(document).encode()).decode()


def policy(conditions=CONDITIONS, expiration=EXPIRATION):
    return parse_policy(encode({"expiration": expiration, "conditions": conditions}))


def test_fields_that_the_policy_allows():
    parsed = policy()
    parsed.check(
        {**FIELDS, "x-ignore-me": "1", "signature": "s", "awsaccesskeyid": "a", "x-amz-checksum-crc32": "c"}, NOW
    )
    assert (parsed.min_bytes, parsed.max_bytes) == (1, 100)


@pytest.mark.parametrize(
    "changed",
    [
        {"bucket": "other"},
        {"key": "down/x"},
        {"acl": "public-read"},
        {"x-amz-meta-a": ""},
        {"x-amz-meta-b": "not in the policy"},
        {"success_action_redirect": "http://example.com"},
    ],
)
def test_fields_that_the_policy_does_not_allow(changed):
    with pytest.raises(S3Error, match="Invalid according to Policy") as caught:
        policy().check({**FIELDS, **changed}, NOW)
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


def test_a_policy_that_has_expired():
    policy(expiration="2026-03-04T05:06:08.5Z").check(FIELDS, NOW)
    with pytest.raises(S3Error, match="Policy expired"):
        policy(expiration="2026-03-04T05:06:06Z").check(FIELDS, NOW)


def test_names_of_conditions_in_any_case():
    conditions = [{"bUcKeT": "data"}, ["StArTs-WiTh", "$KeY", "up/"], *CONDITIONS[2:]]
    policy(conditions).check(FIELDS, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "no base64",
        base64.b64encode(b"no json").decode(),
        encode([]),
        encode({"expiration": EXPIRATION}),
        encode({"conditions": []}),
        encode({"expiration": "2026-03-04 06:00:00+00:00", "conditions": []}),
        encode({"expiration": "2026-13-04T06:00:00Z", "conditions": []}),
        encode({"EXPIRATION": EXPIRATION, "conditions": []}),
        *(
            encode({"expiration": EXPIRATION, "conditions": [condition]})
            for condition in (
                {},
                [],
                "x",
                ["eq", "key", "no dollar"],
                ["eq", "$key"],
                ["eq", "$key", 1],
                ["ends-with", "$key", "x"],
                ["content-length-range", 1],
                ["content-length-range", -1, 5],
                ["content-length-range", True, 5],
                {"bucket": 5},
            )
        ),
    ],
)
def test_policies_that_cannot_be_read(text):
    with pytest.raises(S3Error) as caught:
        parse_policy(text)
    assert (caught.value.code, caught.value.status) == ("InvalidPolicyDocument", 400)
