"""GetObjectAttributes."""

import pytest

ALL = "ETag,Checksum,ObjectParts,StorageClass,ObjectSize"


def test_an_object_that_was_put_whole(call):
    put = call("PUT", "/data/k", body=b"123", headers={"x-amz-sdk-checksum-algorithm": "CRC32"})
    response = call("GET", "/data/k?attributes", headers={"x-amz-object-attributes": ALL})
    etag = put.headers["etag"].strip('"')
    assert f"<ETag>{etag}</ETag><Checksum><ChecksumCRC32>{put.headers['x-amz-checksum-crc32']}<" in response.text
    assert "<StorageClass>STANDARD</StorageClass><ObjectSize>3</ObjectSize>" in response.text
    assert "ObjectParts" not in response.text
    assert "last-modified" in response.headers


def test_only_what_is_asked_for(call):
    call("PUT", "/data/k", body=b"123", headers={"x-amz-storage-class": "GLACIER_IR"})
    text = call("GET", "/data/k?attributes", headers={"x-amz-object-attributes": "StorageClass"}).text
    assert "<StorageClass>GLACIER_IR</StorageClass></GetObjectAttributesResponse>" in text
    assert "ETag" not in text


@pytest.mark.usefixtures("multipart")
def test_pages_of_parts(call):
    def parts(**headers):
        return call("GET", "/data/m?attributes", headers={"x-amz-object-attributes": ALL, **headers}).text

    first = parts(**{"x-amz-max-parts": "1"})
    assert "<PartsCount>2</PartsCount>" in first
    assert (
        "<NextPartNumberMarker>1</NextPartNumberMarker><MaxParts>1</MaxParts><IsTruncated>true</IsTruncated>" in first
    )
    assert "<PartNumber>1</PartNumber><Size>5242880</Size><ChecksumCRC32>" in first
    rest = parts(**{"x-amz-part-number-marker": "1"})
    assert "<IsTruncated>false</IsTruncated><Part><PartNumber>2</PartNumber><Size>7</Size>" in rest


@pytest.mark.parametrize(
    "headers", [{}, {"x-amz-object-attributes": "Colour"}, {"x-amz-object-attributes": "ETag", "x-amz-max-parts": "x"}]
)
def test_requests_that_cannot_be_read(call, headers):
    call("PUT", "/data/k", body=b"123")
    assert "<Code>InvalidArgument</Code>" in call("GET", "/data/k?attributes", headers=headers).text


def test_a_missing_object(call):
    assert call("GET", "/data/none?attributes", headers={"x-amz-object-attributes": "ETag"}).status == 404
