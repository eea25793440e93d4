import pytest

from naiad.service.contract.s3_uri import S3Uri, is_s3_uri, parse_s3_uri
from naiad.service.domain.errors import Invalid


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("s3://naiad", S3Uri("naiad", "")),
        ("s3://naiad/", S3Uri("naiad", "")),
        ("s3://naiad/a/b.csv", S3Uri("naiad", "a/b.csv")),
        ("s3://my.bucket-1//a//b/", S3Uri("my.bucket-1", "/a//b/")),
        ("s3://naiad/?#%20", S3Uri("naiad", "?#%20")),
        ("s3://naiad/a//b ü/../c", S3Uri("naiad", "a//b ü/../c")),
        ("https://naiad.s3.amazonaws.com/a/b", S3Uri("naiad", "a/b")),
        ("https://naiad.s3.us-east-1.amazonaws.com/a%20b", S3Uri("naiad", "a b")),
        ("https://my.bucket.s3.eu-central-1.amazonaws.com", S3Uri("my.bucket", "")),
        ("https://naiad.s3-us-west-2.amazonaws.com/a", S3Uri("naiad", "a")),
        ("https://naiad.s3.dualstack.us-west-2.amazonaws.com/a", S3Uri("naiad", "a")),
        ("https://naiad.s3.cn-north-1.amazonaws.com.cn/a", S3Uri("naiad", "a")),
        ("https://naiad.s3.us-gov-west-1.amazonaws.com/a", S3Uri("naiad", "a")),
        ("https://s3.us-east-1.amazonaws.com/naiad/a//b", S3Uri("naiad", "a//b")),
        ("https://s3.amazonaws.com/naiad", S3Uri("naiad", "")),
    ],
)
def test_bucket_and_key(text: str, uri: S3Uri) -> None:
    assert parse_s3_uri(text, at="there") == uri


@pytest.mark.parametrize(
    "text", ["", "naiad/a", "file:///etc/passwd", "http://naiad.s3.amazonaws.com/a", "S3://naiad/a"]
)
def test_other_schemes_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"there is .*: only s3://bucket/prefix is served"):
        parse_s3_uri(text, at="there")


@pytest.mark.parametrize(
    "text",
    [
        "https://s3/naiad",
        "https://example.com/naiad/a",
        "https://naiad.s3.amazonaws.com.example.com/a",
        "https://naiad.s3.us-east-1.amazonaws.com/a?versionId=1",
        "https://naiad.s3.amazonaws.com/a#b",
    ],
)
def test_other_hosts_and_queries_are_refused(text: str) -> None:
    assert not is_s3_uri(text)
    with pytest.raises(Invalid, match=r"there is .*: only s3://bucket/prefix is served, and https://bucket"):
        parse_s3_uri(text, at="there")


def test_the_text_of_a_uri() -> None:
    assert str(parse_s3_uri("https://naiad.s3.amazonaws.com/a%20b/", at="there")) == "s3://naiad/a b/"


@pytest.mark.parametrize("bucket", ["", "ab", "Naiad", "..", "a..b", "-a-b", "a_b", "x" * 64, "a b"])
def test_bad_bucket_names_are_refused(bucket: str) -> None:
    with pytest.raises(Invalid, match="is not a bucket name"):
        parse_s3_uri(f"s3://{bucket}/a", at="there")
