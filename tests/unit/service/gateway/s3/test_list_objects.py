"""ListObjects and ListObjectsV2."""

import re

import pytest

from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.list_objects import decode_token, encode_token


def keys(response):
    return re.findall(r"<Key>(.*?)</Key>", response.text)


def test_pages_by_token(call):
    for key in ("a b", "c&d", "ü", "z/1", "z/2"):
        call("PUT", f"/data/{key}", body=b"x")
    first = call("GET", "/data?list-type=2&max-keys=2&encoding-type=url")
    assert keys(first) == ["a%20b", "c%26d"]
    token = re.search("<NextContinuationToken>(.*?)</NextContinuationToken>", first.text)[1]
    second = call("GET", f"/data?list-type=2&delimiter=/&continuation-token={token}")
    assert keys(second) == ["ü"]
    assert "<CommonPrefixes><Prefix>z/</Prefix></CommonPrefixes>" in second.text
    assert "<KeyCount>2</KeyCount>" in second.text
    assert "<IsTruncated>false</IsTruncated>" in second.text


def test_pages_by_marker(call):
    for key in "abc":
        call("PUT", f"/data/{key}", body=b"x")
    response = call("GET", "/data?marker=a&max-keys=1")
    assert keys(response) == ["b"]
    assert "<NextMarker>b</NextMarker>" in response.text
    assert "<Owner>" in response.text


@pytest.mark.parametrize(
    "query", ["max-keys=-1", "max-keys=x", "encoding-type=json", "list-type=2&continuation-token=!"]
)
def test_invalid_parameters(call, query):
    assert "<Code>InvalidArgument</Code>" in call("GET", f"/data?{query}").text


def test_a_page_has_at_most_a_thousand_keys(call):
    assert "<MaxKeys>1000</MaxKeys>" in call("GET", "/data?max-keys=5000").text


def test_tokens():
    assert decode_token(encode_token("ü/?&")) == "ü/?&"
    with pytest.raises(S3Error):
        decode_token("/w==")
