"""S3 with unmodified boto3 against a live server."""

import base64
import hashlib
import re
import urllib.error
import urllib.request
import zlib

import pytest
from botocore.exceptions import ClientError

MIB = 2**20


def check_error(code, call, **arguments):
    """Calls, expects an error with the code, and returns the error's response."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response


def test_buckets(s3):
    s3.create_bucket(Bucket="other")
    assert "other" in [row["Name"] for row in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket="other")["LocationConstraint"] == "eu-central-1"
    assert s3.head_bucket(Bucket="other")["BucketRegion"] == "eu-central-1"
    check_error("BucketAlreadyOwnedByYou", s3.create_bucket, Bucket="other")
    s3.put_object(Bucket="other", Key="k", Body=b"")
    check_error("BucketNotEmpty", s3.delete_bucket, Bucket="other")
    s3.delete_object(Bucket="other", Key="k")
    s3.delete_bucket(Bucket="other")
    check_error("404", s3.head_bucket, Bucket="other")
    check_error("NoSuchBucket", s3.list_objects_v2, Bucket="other")
    check_error("InvalidBucketName", s3.create_bucket, Bucket="1.2.3.4")


@pytest.mark.parametrize(
    "key", ["a", "a/b", "with space", "ü/日本.txt", "a//b", "/lead", "trail/", "../up", "%41+&=?#", "'\"<>"]
)
def test_keys(s3, key):
    s3.put_object(Bucket="data", Key=f"keys/{key}", Body=key.encode())
    assert s3.get_object(Bucket="data", Key=f"keys/{key}")["Body"].read() == key.encode()
    assert f"keys/{key}" in [row["Key"] for row in s3.list_objects_v2(Bucket="data", Prefix="keys/")["Contents"]]
    s3.delete_object(Bucket="data", Key=f"keys/{key}")
    check_error("NoSuchKey", s3.get_object, Bucket="data", Key=f"keys/{key}")


def test_attributes_of_an_object_come_back(s3):
    attributes = {
        "ContentType": "text/csv",
        "CacheControl": "no-cache",
        "ContentDisposition": 'attachment; filename="a.csv"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "Metadata": {"one": "1", "two-words": "x y"},
    }
    etag = s3.put_object(Bucket="data", Key="attributes", Body=b"x", ServerSideEncryption="aws:kms", **attributes)[
        "ETag"
    ]
    head = s3.head_object(Bucket="data", Key="attributes")
    assert {name: head[name] for name in attributes} == attributes
    assert head["ETag"] == etag == f'"{hashlib.md5(b"x").hexdigest()}"'
    got = s3.get_object(
        Bucket="data", Key="attributes", ResponseContentType="text/plain", ResponseCacheControl="private"
    )
    assert (got["ContentType"], got["CacheControl"], got["Body"].read()) == ("text/plain", "private", b"x")
    check_error("InvalidArgument", s3.get_object, Bucket="data", Key="attributes", ResponseContentType="a\r\nx-evil: 1")


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_checksums_are_verified_and_returned(s3, name):
    put = s3.put_object(Bucket="data", Key="sum", Body=b"hello", ChecksumAlgorithm=name)
    field = f"Checksum{name}"
    head = s3.head_object(Bucket="data", Key="sum", ChecksumMode="ENABLED")
    assert head[field] == put[field]
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert s3.get_object(Bucket="data", Key="sum", ChecksumMode="ENABLED")["Body"].read() == b"hello"
    check_error("BadDigest", s3.put_object, Bucket="data", Key="sum", Body=b"other", **{field: put[field]})
    assert s3.get_object(Bucket="data", Key="sum")["Body"].read() == b"hello"


def test_content_md5(s3):
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    check_error("BadDigest", s3.put_object, Bucket="data", Key="md5", Body=b"x", ContentMD5=wrong)
    check_error("InvalidDigest", s3.put_object, Bucket="data", Key="md5", Body=b"x", ContentMD5="short")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-3", b"0123"),
        ("bytes=7-", b"789"),
        ("bytes=-2", b"89"),
        ("bytes=5-100", b"56789"),
        ("bytes=-100", b"0123456789"),
    ],
)
def test_ranges(s3, text, expected):
    s3.put_object(Bucket="data", Key="range", Body=b"0123456789")
    got = s3.get_object(Bucket="data", Key="range", Range=text)
    assert got["Body"].read() == expected
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["ContentRange"].endswith("/10")
    check_error("InvalidRange", s3.get_object, Bucket="data", Key="range", Range="bytes=10-")


def test_conditions(s3):
    etag = s3.put_object(Bucket="data", Key="cond", Body=b"1", IfNoneMatch="*")["ETag"]
    check_error("PreconditionFailed", s3.put_object, Bucket="data", Key="cond", Body=b"2", IfNoneMatch="*")
    check_error("PreconditionFailed", s3.put_object, Bucket="data", Key="cond", Body=b"2", IfMatch='"no"')
    check_error("NoSuchKey", s3.put_object, Bucket="data", Key="cond-none", Body=b"2", IfMatch=etag)
    check_error("PreconditionFailed", s3.get_object, Bucket="data", Key="cond", IfMatch='"no"')
    assert (
        check_error("304", s3.get_object, Bucket="data", Key="cond", IfNoneMatch=etag)["ResponseMetadata"][
            "HTTPStatusCode"
        ]
        == 304
    )
    modified = s3.head_object(Bucket="data", Key="cond")["LastModified"]
    check_error("304", s3.get_object, Bucket="data", Key="cond", IfModifiedSince=modified)
    new = s3.put_object(Bucket="data", Key="cond", Body=b"2", IfMatch=etag)["ETag"]
    check_error("PreconditionFailed", s3.delete_object, Bucket="data", Key="cond", IfMatch=etag)
    result = s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "cond", "ETag": etag}]})
    assert [row["Code"] for row in result["Errors"]] == ["PreconditionFailed"]
    s3.delete_object(Bucket="data", Key="cond", IfMatch=new)


def test_listings(s3):
    keys = [f"list/{group}/{number}" for group in "abc" for number in range(4)] + ["list/z"]
    for key in keys:
        s3.put_object(Bucket="data", Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="data", Prefix="list/", PaginationConfig={"PageSize": 5}
    )
    assert [row["Key"] for page in pages for row in page["Contents"]] == keys
    pages = s3.get_paginator("list_objects").paginate(
        Bucket="data", Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    rows = [(page.get("CommonPrefixes", []), page.get("Contents", [])) for page in pages]
    assert [row["Prefix"] for groups, _ in rows for row in groups] == ["list/a/", "list/b/", "list/c/"]
    assert [row["Key"] for _, contents in rows for row in contents] == ["list/z"]
    after = s3.list_objects_v2(Bucket="data", Prefix="list/", StartAfter="list/c/3", FetchOwner=True)
    assert [row["Key"] for row in after["Contents"]] == ["list/z"]
    assert "Owner" in after["Contents"][0]
    empty = s3.list_objects_v2(Bucket="data", MaxKeys=0)
    assert (empty["KeyCount"], empty["IsTruncated"]) == (0, False)
    check_error("InvalidArgument", s3.list_objects_v2, Bucket="data", ContinuationToken="not one!")
    deleted = s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(deleted["Deleted"]) == len(keys)
    assert s3.list_objects_v2(Bucket="data", Prefix="list/")["KeyCount"] == 0


def test_copies(s3):
    s3.put_object(Bucket="data", Key="from here/ü", Body=b"x", Metadata={"a": "1"}, ContentType="text/plain")
    source = {"Bucket": "data", "Key": "from here/ü"}
    assert "ETag" in s3.copy_object(Bucket="data", Key="to", CopySource=source)["CopyObjectResult"]
    assert s3.head_object(Bucket="data", Key="to")["Metadata"] == {"a": "1"}
    s3.copy_object(Bucket="data", Key="to", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"})
    assert s3.head_object(Bucket="data", Key="to")["Metadata"] == {"b": "2"}
    check_error("InvalidRequest", s3.copy_object, Bucket="data", Key="from here/ü", CopySource=source)
    check_error(
        "PreconditionFailed", s3.copy_object, Bucket="data", Key="to", CopySource=source, CopySourceIfMatch='"no"'
    )
    check_error("NoSuchKey", s3.copy_object, Bucket="data", Key="to", CopySource={"Bucket": "data", "Key": "none"})


def test_multipart_calls_one_by_one(s3):
    upload = s3.create_multipart_upload(Bucket="data", Key="up", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    upload_names = {"Bucket": "data", "Key": "up", "UploadId": upload["UploadId"]}
    s3.put_object(Bucket="data", Key="source", Body=b"0" * (6 * MIB))
    first = s3.upload_part_copy(
        **upload_names, PartNumber=1, CopySource="data/source", CopySourceRange=f"bytes=0-{5 * MIB - 1}"
    )["CopyPartResult"]
    second = s3.upload_part(**upload_names, PartNumber=2, Body=b"end")
    assert [row["Size"] for row in s3.list_parts(**upload_names)["Parts"]] == [5 * MIB, 3]
    assert s3.list_parts(**upload_names, MaxParts=1)["NextPartNumberMarker"] == 1
    assert upload["UploadId"] in [row["UploadId"] for row in s3.list_multipart_uploads(Bucket="data")["Uploads"]]
    parts = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": second["ETag"]}]
    check_error(
        "InvalidPartOrder", s3.complete_multipart_upload, **upload_names, MultipartUpload={"Parts": parts[::-1]}
    )
    check_error("MalformedXML", s3.complete_multipart_upload, **upload_names, MultipartUpload={"Parts": []})
    wrong = base64.b64encode(b"nope").decode()
    check_error(
        "BadDigest", s3.complete_multipart_upload, **upload_names, MultipartUpload={"Parts": parts}, ChecksumCRC32=wrong
    )
    crc = base64.b64encode(zlib.crc32(b"0" * 5 * MIB + b"end").to_bytes(4)).decode()
    completed = s3.complete_multipart_upload(**upload_names, MultipartUpload={"Parts": parts}, ChecksumCRC32=crc)
    assert (completed["ChecksumCRC32"], completed["ChecksumType"]) == (crc, "FULL_OBJECT")
    again = s3.complete_multipart_upload(**upload_names, MultipartUpload={"Parts": parts})
    assert again["ETag"] == completed["ETag"]
    check_error("NoSuchUpload", s3.list_parts, **upload_names)
    other = s3.create_multipart_upload(Bucket="data", Key="up")["UploadId"]
    s3.abort_multipart_upload(Bucket="data", Key="up", UploadId=other)
    check_error("NoSuchUpload", s3.abort_multipart_upload, Bucket="data", Key="up", UploadId=other)


def test_configurations_that_no_bucket_has(s3):
    s3.put_object(Bucket="data", Key="tags", Body=b"")
    assert s3.get_object_tagging(Bucket="data", Key="tags")["TagSet"] == []
    assert s3.get_object_acl(Bucket="data", Key="tags")["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert s3.get_bucket_acl(Bucket="data")["Owner"]["ID"]
    assert "Status" not in s3.get_bucket_versioning(Bucket="data")
    check_error("NoSuchBucketPolicy", s3.get_bucket_policy_status, Bucket="data")
    check_error("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket="data")
    check_error(
        "NotImplemented", s3.put_bucket_versioning, Bucket="data", VersioningConfiguration={"Status": "Enabled"}
    )
    check_error("NotImplemented", s3.get_object_torrent, Bucket="data", Key="tags")


def test_errors_are_in_s3s_xml(s3_url, s3):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{s3_url}/data/not%20there")
    with caught.value as response:
        text = response.read().decode()
    assert response.status == 404
    assert re.search(
        r"<Code>NoSuchKey</Code>.*<Resource>/data/not%20there</Resource><RequestId>request-\d+</RequestId>", text
    )
