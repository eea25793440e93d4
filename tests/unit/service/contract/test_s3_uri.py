import pytest

from naiad.service.contract.s3_uri import S3Uri, parse_s3_uri
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
    ],
)
def test_bucket_and_key(text: str, uri: S3Uri) -> None:
    assert parse_s3_uri(text, at="there") == uri


@pytest.mark.parametrize("text", ["", "naiad/a", "file:///etc/passwd", "https://s3/naiad", "S3://naiad/a"])
def test_other_schemes_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"there is .*: only s3://bucket/prefix is served"):
        parse_s3_uri(text, at="there")


@pytest.mark.parametrize("bucket", ["", "ab", "Naiad", "..", "a..b", "-a-b", "a_b", "x" * 64, "a b"])
def test_bad_bucket_names_are_refused(bucket: str) -> None:
    with pytest.raises(Invalid, match="is not a bucket name"):
        parse_s3_uri(f"s3://{bucket}/a", at="there")
