"""Multipart uploads."""

import re

import pytest


def create_upload(call, key="k", **options):
    return re.search("<UploadId>(.*?)</UploadId>", call("POST", f"/data/{key}?uploads", **options).text)[1]


def test_an_upload(call):
    upload = create_upload(call, headers={"x-amz-checksum-algorithm": "CRC64NVME", "content-type": "text/plain"})
    part = call("PUT", f"/data/k?partNumber=1&uploadId={upload}", body=b"x")
    assert "x-amz-checksum-crc64nvme" in part.headers
    rows = call("GET", f"/data/k?uploadId={upload}").text
    assert "<PartNumber>1</PartNumber>" in rows
    assert "<ChecksumType>FULL_OBJECT</ChecksumType>" in rows
    etag = part.headers["etag"]
    body = (
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    )
    completed = call("POST", f"/data/k?uploadId={upload}", body=body.encode(), headers={"host": "here"})
    assert "<Location>http://here/data/k</Location>" in completed.text
    assert call("GET", "/data/k").headers["content-type"] == "text/plain"
    assert call("GET", f"/data/k?uploadId={upload}").status == 404


@pytest.mark.parametrize("query", ["partNumber=0", "partNumber=10001", "partNumber=x", "x=1"])
def test_part_numbers(call, query):
    assert call("PUT", f"/data/k?{query}&uploadId={create_upload(call)}", body=b"x").status == 400


@pytest.mark.parametrize(
    "parts", ["", "<Part><PartNumber>1</PartNumber></Part>", "<Part><PartNumber>x</PartNumber><ETag>a</ETag></Part>"]
)
def test_malformed_bodies(call, parts):
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    assert "<Code>MalformedXML</Code>" in call("POST", f"/data/k?uploadId={create_upload(call)}", body=body).text


def test_an_impossible_checksum(call):
    headers = {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT"}
    assert call("POST", "/data/k?uploads", headers=headers).status == 400


def test_pages_of_uploads(call):
    ids = [create_upload(call, "a"), create_upload(call, "a"), create_upload(call, "b")]
    first = call("GET", "/data?uploads&max-uploads=1").text
    first_id = re.search("<UploadId>(.*?)</UploadId>", first)[1]
    assert "<IsTruncated>true</IsTruncated>" in first
    rest = re.findall(
        "<UploadId>(.*?)</UploadId>", call("GET", f"/data?uploads&key-marker=a&upload-id-marker={first_id}").text
    )
    assert sorted([first_id, *rest]) == sorted(ids)
    assert call("DELETE", f"/data/b?uploadId={ids[2]}").status == 204
    assert call("GET", "/data?uploads&delimiter=/").status == 501
