"""Tags of objects."""

import pytest

from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.tagging import check_tags, parse_tag_header


def document(*pairs):
    rows = "".join(f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" for key, value in pairs)
    return f"<Tagging><TagSet>{rows}</TagSet></Tagging>".encode()


def test_tags_are_put_read_counted_and_deleted(call):
    call("PUT", "/data/k", body=b"x", headers={"x-amz-tagging": "x=1&y=z%20w&empty="})
    text = call("GET", "/data/k?tagging").text
    assert "<Key>y</Key><Value>z w</Value>" in text
    assert call("GET", "/data/k").headers["x-amz-tagging-count"] == "3"
    etag = call("HEAD", "/data/k").headers["etag"]
    assert call("PUT", "/data/k?tagging", body=document(("k", "v"))).status == 200
    assert call("GET", "/data/k?tagging").text.count("<Tag>") == 1
    assert call("HEAD", "/data/k").headers["etag"] == etag
    assert call("DELETE", "/data/k?tagging").status == 204
    assert "<TagSet></TagSet>" in call("GET", "/data/k?tagging").text
    assert "x-amz-tagging-count" not in call("HEAD", "/data/k").headers


def test_tags_of_a_copy_are_the_sources_or_its_own(call):
    call("PUT", "/data/k", body=b"x", headers={"x-amz-tagging": "a=1"})
    copy = {"x-amz-copy-source": "/data/k"}
    call("PUT", "/data/same", headers=copy)
    call("PUT", "/data/own", headers={**copy, "x-amz-tagging-directive": "REPLACE", "x-amz-tagging": "b=2"})
    call("PUT", "/data/none", headers={**copy, "x-amz-tagging-directive": "REPLACE"})
    call("PUT", "/data/meta", headers={**copy, "x-amz-metadata-directive": "REPLACE", "x-amz-meta-m": "1"})
    assert "<Key>a</Key>" in call("GET", "/data/same?tagging").text
    assert "<Key>b</Key>" in call("GET", "/data/own?tagging").text
    assert "<TagSet></TagSet>" in call("GET", "/data/none?tagging").text
    assert "<Key>a</Key>" in call("GET", "/data/meta?tagging").text


def test_tags_of_an_upload_in_parts(call):
    upload = call("POST", "/data/k?uploads", headers={"x-amz-tagging": "a=1"})
    upload_id = upload.text.split("<UploadId>")[1].split("<")[0]
    etag = call("PUT", f"/data/k?partNumber=1&uploadId={upload_id}", body=b"x").headers["etag"]
    body = (
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    )
    assert call("POST", f"/data/k?uploadId={upload_id}", body=body.encode()).status == 200
    assert "<Key>a</Key>" in call("GET", "/data/k?tagging").text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_tags_of_a_missing_object(call, method):
    assert call(method, "/data/none?tagging", body=document() if method == "PUT" else b"").status == 404


@pytest.mark.parametrize(
    "body",
    [
        document(("a", "1"), ("a", "2")),
        document(("", "1")),
        document(("k" * 129, "1")),
        document(("k", "v" * 257)),
        document(("aws:x", "1")),
        document(("a", "{}")),
        document(*((str(number), "1") for number in range(11))),
    ],
)
def test_tags_that_aws_does_not_allow(call, body):
    call("PUT", "/data/k", body=b"x")
    response = call("PUT", "/data/k?tagging", body=body)
    assert (response.status, "<Code>InvalidTag</Code>" in response.text) == (400, True)


@pytest.mark.parametrize("body", [b"<Tagging/>", b"<Other/>", b"nothing"])
def test_malformed_bodies(call, body):
    call("PUT", "/data/k", body=b"x")
    assert "<Code>MalformedXML</Code>" in call("PUT", "/data/k?tagging", body=body).text


def test_a_header_without_values():
    assert parse_tag_header("") == {}
    assert parse_tag_header("foo=bar&bar") == {"foo": "bar", "bar": ""}
    with pytest.raises(S3Error):
        parse_tag_header("a=%ff")


def test_letters_of_any_language():
    assert check_tags([("größe", "日本 1+1=2:/@")], max_tags=1) == {"größe": "日本 1+1=2:/@"}
