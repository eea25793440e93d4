"""Operations on buckets."""

import re


def test_the_life_of_a_bucket(call):
    assert call("PUT", "/new").headers["location"] == "/new"
    assert "<Code>BucketAlreadyOwnedByYou</Code>" in call("PUT", "/new").text
    assert "<Name>data</Name>" in call("GET", "/").text
    assert "<Name>new</Name>" not in call("GET", "/?prefix=d").text
    assert call("HEAD", "/new/").headers["x-amz-bucket-region"] == "eu-central-1"
    assert ">eu-central-1</LocationConstraint>" in call("GET", "/new?location").text
    assert call("DELETE", "/new").status == 204
    assert call("HEAD", "/new").status == 404


def test_pages_of_buckets(call):
    for name in ("log-b", "log-a", "log-c", "other"):
        call("PUT", f"/{name}")
    first = call("GET", "/?prefix=log-&max-buckets=2").text
    assert re.findall("<Name>(.*?)</Name>", first) == ["log-a", "log-b"]
    token = re.search("<ContinuationToken>(.*)</ContinuationToken>", first)[1]
    last = call("GET", f"/?prefix=log-&max-buckets=2&continuation-token={token}").text
    assert re.findall("<Name>(.*?)</Name>", last) == ["log-c"]
    assert ("ContinuationToken" in last, "<Prefix>log-</Prefix>" in last) == (False, True)
    assert call("GET", "/?max-buckets=0").status == 400
    assert "<Name>" in call("GET", "/?bucket-region=eu-central-1").text
    assert "<Name>" not in call("GET", "/?bucket-region=eu-west-1").text


def test_bodies_of_create_bucket(call):
    good = b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
    assert call("PUT", "/new", body=good).status == 200
    for wrong in (b"<Other/>", b"<Create", b'<!DOCTYPE a SYSTEM "file:///x"><CreateBucketConfiguration/>'):
        assert "<Code>MalformedXML</Code>" in call("PUT", "/other", body=wrong).text
