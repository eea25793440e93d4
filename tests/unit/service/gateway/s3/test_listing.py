import re

import pytest

from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.listing import from_token, to_token


def keys(answer):
    return re.findall(r"<Key>(.*?)</Key>", answer.text)


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
    answer = call("GET", "/data?marker=a&max-keys=1")
    assert keys(answer) == ["b"]
    assert "<NextMarker>b</NextMarker>" in answer.text
    assert "<Owner>" in answer.text


@pytest.mark.parametrize(
    "query", ["max-keys=-1", "max-keys=x", "encoding-type=json", "list-type=2&continuation-token=!"]
)
def test_refusals(call, query):
    assert "<Code>InvalidArgument</Code>" in call("GET", f"/data?{query}").text


def test_at_most_a_thousand(call):
    assert "<MaxKeys>1000</MaxKeys>" in call("GET", "/data?max-keys=5000").text


def test_tokens():
    assert from_token(to_token("ü/?&")) == "ü/?&"
    with pytest.raises(S3Error):
        from_token("/w==")
