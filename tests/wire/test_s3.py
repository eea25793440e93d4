"""The S3 door as unmodified clients use it: boto3 and the AWS CLI against a live server."""

import base64
import hashlib
import io
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

SERVER = Path(__file__).parent / "s3_server.py"
MIB = 2**20


@pytest.fixture(scope="module")
def open_door(tmp_path_factory):
    """The door without authentication, in a process of its own."""
    folder = tmp_path_factory.mktemp("door")
    process = subprocess.Popen([sys.executable, SERVER, folder], stdout=subprocess.PIPE, text=True)
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture(scope="module")
def s3(open_door):
    client = boto3.client(
        "s3",
        endpoint_url=open_door,
        region_name="eu-central-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 1}),
    )
    client.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield client
    client.close()


@pytest.fixture
def aws(open_door, s3, tmp_path):
    """Runs the AWS CLI and gives its standard output."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": open_door,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def run(*arguments):
        command = [Path(sys.executable).with_name("aws"), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response


def test_buckets(s3):
    s3.create_bucket(Bucket="other")
    assert "other" in [row["Name"] for row in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket="other")["LocationConstraint"] == "eu-central-1"
    assert s3.head_bucket(Bucket="other")["BucketRegion"] == "eu-central-1"
    refused("BucketAlreadyOwnedByYou", s3.create_bucket, Bucket="other")
    s3.put_object(Bucket="other", Key="k", Body=b"")
    refused("BucketNotEmpty", s3.delete_bucket, Bucket="other")
    s3.delete_object(Bucket="other", Key="k")
    s3.delete_bucket(Bucket="other")
    refused("404", s3.head_bucket, Bucket="other")
    refused("NoSuchBucket", s3.list_objects_v2, Bucket="other")
    refused("InvalidBucketName", s3.create_bucket, Bucket="1.2.3.4")


@pytest.mark.parametrize(
    "key", ["a", "a/b", "with space", "ü/日本.txt", "a//b", "/lead", "trail/", "../up", "%41+&=?#", "'\"<>"]
)
def test_keys(s3, key):
    s3.put_object(Bucket="data", Key=f"keys/{key}", Body=key.encode())
    assert s3.get_object(Bucket="data", Key=f"keys/{key}")["Body"].read() == key.encode()
    assert f"keys/{key}" in [row["Key"] for row in s3.list_objects_v2(Bucket="data", Prefix="keys/")["Contents"]]
    s3.delete_object(Bucket="data", Key=f"keys/{key}")
    refused("NoSuchKey", s3.get_object, Bucket="data", Key=f"keys/{key}")


def test_all_that_is_said_with_an_object_comes_back(s3):
    said = {
        "ContentType": "text/csv",
        "CacheControl": "no-cache",
        "ContentDisposition": 'attachment; filename="a.csv"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "Metadata": {"one": "1", "two-words": "x y"},
    }
    etag = s3.put_object(Bucket="data", Key="said", Body=b"x", ServerSideEncryption="aws:kms", **said)["ETag"]
    found = s3.head_object(Bucket="data", Key="said")
    assert {name: found[name] for name in said} == said
    assert found["ETag"] == etag == f'"{hashlib.md5(b"x").hexdigest()}"'
    got = s3.get_object(Bucket="data", Key="said", ResponseContentType="text/plain", ResponseCacheControl="private")
    assert (got["ContentType"], got["CacheControl"]) == ("text/plain", "private")
    refused("InvalidArgument", s3.get_object, Bucket="data", Key="said", ResponseContentType="a\r\nx-evil: 1")


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_checksums_are_checked_and_given_back(s3, name):
    put = s3.put_object(Bucket="data", Key="sum", Body=b"hello", ChecksumAlgorithm=name)
    field = f"Checksum{name}"
    head = s3.head_object(Bucket="data", Key="sum", ChecksumMode="ENABLED")
    assert head[field] == put[field]
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert s3.get_object(Bucket="data", Key="sum", ChecksumMode="ENABLED")["Body"].read() == b"hello"
    refused("BadDigest", s3.put_object, Bucket="data", Key="sum", Body=b"other", **{field: put[field]})
    assert s3.get_object(Bucket="data", Key="sum")["Body"].read() == b"hello"


def test_content_md5(s3):
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    refused("BadDigest", s3.put_object, Bucket="data", Key="md5", Body=b"x", ContentMD5=wrong)
    refused("InvalidDigest", s3.put_object, Bucket="data", Key="md5", Body=b"x", ContentMD5="short")


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("bytes=0-3", b"0123"),
        ("bytes=7-", b"789"),
        ("bytes=-2", b"89"),
        ("bytes=5-100", b"56789"),
        ("bytes=-100", b"0123456789"),
    ],
)
def test_ranges(s3, asked, due):
    s3.put_object(Bucket="data", Key="range", Body=b"0123456789")
    got = s3.get_object(Bucket="data", Key="range", Range=asked)
    assert got["Body"].read() == due
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["ContentRange"].endswith("/10")
    refused("InvalidRange", s3.get_object, Bucket="data", Key="range", Range="bytes=10-")


def test_conditions(s3):
    etag = s3.put_object(Bucket="data", Key="cond", Body=b"1", IfNoneMatch="*")["ETag"]
    refused("PreconditionFailed", s3.put_object, Bucket="data", Key="cond", Body=b"2", IfNoneMatch="*")
    refused("PreconditionFailed", s3.put_object, Bucket="data", Key="cond", Body=b"2", IfMatch='"no"')
    refused("NoSuchKey", s3.put_object, Bucket="data", Key="cond-none", Body=b"2", IfMatch=etag)
    refused("PreconditionFailed", s3.get_object, Bucket="data", Key="cond", IfMatch='"no"')
    assert (
        refused("304", s3.get_object, Bucket="data", Key="cond", IfNoneMatch=etag)["ResponseMetadata"]["HTTPStatusCode"]
        == 304
    )
    modified = s3.head_object(Bucket="data", Key="cond")["LastModified"]
    refused("304", s3.get_object, Bucket="data", Key="cond", IfModifiedSince=modified)
    new = s3.put_object(Bucket="data", Key="cond", Body=b"2", IfMatch=etag)["ETag"]
    refused("PreconditionFailed", s3.delete_object, Bucket="data", Key="cond", IfMatch=etag)
    kept = s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "cond", "ETag": etag}]})
    assert [row["Code"] for row in kept["Errors"]] == ["PreconditionFailed"]
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
    behind = s3.list_objects_v2(Bucket="data", Prefix="list/", StartAfter="list/c/3", FetchOwner=True)
    assert [row["Key"] for row in behind["Contents"]] == ["list/z"]
    assert "Owner" in behind["Contents"][0]
    none = s3.list_objects_v2(Bucket="data", MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"]) == (0, False)
    refused("InvalidArgument", s3.list_objects_v2, Bucket="data", ContinuationToken="not one!")
    done = s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(done["Deleted"]) == len(keys)
    assert s3.list_objects_v2(Bucket="data", Prefix="list/")["KeyCount"] == 0


def test_copies(s3):
    s3.put_object(Bucket="data", Key="from here/ü", Body=b"x", Metadata={"a": "1"}, ContentType="text/plain")
    source = {"Bucket": "data", "Key": "from here/ü"}
    assert "ETag" in s3.copy_object(Bucket="data", Key="to", CopySource=source)["CopyObjectResult"]
    assert s3.head_object(Bucket="data", Key="to")["Metadata"] == {"a": "1"}
    s3.copy_object(Bucket="data", Key="to", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"})
    assert s3.head_object(Bucket="data", Key="to")["Metadata"] == {"b": "2"}
    refused("InvalidRequest", s3.copy_object, Bucket="data", Key="from here/ü", CopySource=source)
    refused("PreconditionFailed", s3.copy_object, Bucket="data", Key="to", CopySource=source, CopySourceIfMatch='"no"')
    refused("NoSuchKey", s3.copy_object, Bucket="data", Key="to", CopySource={"Bucket": "data", "Key": "none"})


def test_a_large_file_goes_up_in_parts_and_comes_down(s3, tmp_path):
    data = os.urandom(MIB) * 21
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.upload_fileobj(io.BytesIO(data), "data", "large", Config=config, ExtraArgs={"Metadata": {"n": "1"}})
    head = s3.head_object(Bucket="data", Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"')
    assert head["Metadata"] == {"n": "1"}
    assert head["ChecksumCRC32"].endswith("-3") or head["ChecksumType"] == "FULL_OBJECT"
    s3.download_file("data", "large", str(tmp_path / "large"), Config=config)
    assert (tmp_path / "large").read_bytes() == data


def test_uploads_by_hand(s3):
    upload = s3.create_multipart_upload(Bucket="data", Key="up", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    about = {"Bucket": "data", "Key": "up", "UploadId": upload["UploadId"]}
    s3.put_object(Bucket="data", Key="source", Body=b"0" * (6 * MIB))
    first = s3.upload_part_copy(
        **about, PartNumber=1, CopySource="data/source", CopySourceRange=f"bytes=0-{5 * MIB - 1}"
    )["CopyPartResult"]
    second = s3.upload_part(**about, PartNumber=2, Body=b"end")
    assert [row["Size"] for row in s3.list_parts(**about)["Parts"]] == [5 * MIB, 3]
    assert s3.list_parts(**about, MaxParts=1)["NextPartNumberMarker"] == 1
    assert upload["UploadId"] in [row["UploadId"] for row in s3.list_multipart_uploads(Bucket="data")["Uploads"]]
    parts = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": second["ETag"]}]
    refused("InvalidPartOrder", s3.complete_multipart_upload, **about, MultipartUpload={"Parts": parts[::-1]})
    refused("MalformedXML", s3.complete_multipart_upload, **about, MultipartUpload={"Parts": []})
    wrong = base64.b64encode(b"nope").decode()
    refused("BadDigest", s3.complete_multipart_upload, **about, MultipartUpload={"Parts": parts}, ChecksumCRC32=wrong)
    crc = base64.b64encode(zlib.crc32(b"0" * 5 * MIB + b"end").to_bytes(4)).decode()
    made = s3.complete_multipart_upload(**about, MultipartUpload={"Parts": parts}, ChecksumCRC32=crc)
    assert (made["ChecksumCRC32"], made["ChecksumType"]) == (crc, "FULL_OBJECT")
    again = s3.complete_multipart_upload(**about, MultipartUpload={"Parts": parts})
    assert again["ETag"] == made["ETag"]
    refused("NoSuchUpload", s3.list_parts, **about)
    other = s3.create_multipart_upload(Bucket="data", Key="up")["UploadId"]
    s3.abort_multipart_upload(Bucket="data", Key="up", UploadId=other)
    refused("NoSuchUpload", s3.abort_multipart_upload, Bucket="data", Key="up", UploadId=other)


def test_settings_that_are_not_there(s3):
    s3.put_object(Bucket="data", Key="tags", Body=b"")
    assert s3.get_object_tagging(Bucket="data", Key="tags")["TagSet"] == []
    assert s3.get_object_acl(Bucket="data", Key="tags")["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert s3.get_bucket_acl(Bucket="data")["Owner"]["ID"]
    assert "Status" not in s3.get_bucket_versioning(Bucket="data")
    refused("NoSuchBucketPolicy", s3.get_bucket_policy_status, Bucket="data")
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket="data")
    refused("NotImplemented", s3.put_object_tagging, Bucket="data", Key="tags", Tagging={"TagSet": []})
    refused("NotImplemented", s3.put_bucket_versioning, Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    refused("NotImplemented", s3.put_object, Bucket="data", Key="tags", Body=b"", Tagging="a=b")
    refused("NotImplemented", s3.get_object_attributes, Bucket="data", Key="tags", ObjectAttributes=["ETag"])


def test_an_error_is_s3s_xml(open_door, s3):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{open_door}/data/not%20there")
    with caught.value as answer:
        text = answer.read().decode()
    assert answer.status == 404
    assert re.search(
        r"<Code>NoSuchKey</Code>.*<Resource>/data/not%20there</Resource><RequestId>request-\d+</RequestId>", text
    )


def test_the_command_line_copies_and_syncs_folders(aws, s3, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep er").mkdir(parents=True)
    (source / "deep er" / "ä.txt").write_text("one")
    (source / "big.bin").write_bytes(os.urandom(9 * MIB))
    aws("s3", "cp", "--recursive", source, "s3://data/cli/")
    assert "deep er/ä.txt" in aws("s3", "ls", "--recursive", "s3://data/cli/")
    aws("s3", "sync", "s3://data/cli/", target)
    assert (target / "deep er" / "ä.txt").read_text() == "one"
    assert (target / "big.bin").read_bytes() == (source / "big.bin").read_bytes()
    assert aws("s3", "sync", source, "s3://data/cli/").strip() == ""
    assert '"ContentLength": 3' in aws("s3api", "head-object", "--bucket", "data", "--key", "cli/deep er/ä.txt")
    aws("s3", "rm", "--recursive", "s3://data/cli/")
    assert s3.list_objects_v2(Bucket="data", Prefix="cli/")["KeyCount"] == 0
