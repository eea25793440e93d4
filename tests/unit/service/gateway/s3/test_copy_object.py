"""CopyObject."""

import pytest

from naiad.service.gateway.s3.copy_object import CopySource, parse_copy_source
from naiad.service.gateway.s3.errors import S3Error


def test_sources():
    assert parse_copy_source("/b/a%20b/c") == parse_copy_source("b/a b/c") == CopySource("b", "a b/c")
    assert parse_copy_source("b/k?versionId=null") == CopySource("b", "k")
    for text in ("", "b", "b/", "/b/%FF", "b/k?versionId=3"):
        with pytest.raises(S3Error):
            parse_copy_source(text)


def test_a_copy(call):
    call("PUT", "/data/a", body=b"x", headers={"x-amz-meta-n": "1"})
    headers = {"x-amz-copy-source": "/data/a"}
    assert "<CopyObjectResult" in call("PUT", "/data/b", headers=headers).text
    assert call("GET", "/data/b").headers["x-amz-meta-n"] == "1"
    assert call("PUT", "/data/a", headers=headers).status == 400
    assert call("PUT", "/data/b", headers=headers | {"x-amz-metadata-directive": "MERGE"}).status == 400
    assert call("PUT", "/data/b", headers=headers | {"x-amz-metadata-directive": "REPLACE"}).status == 200
    assert "x-amz-meta-n" not in call("GET", "/data/b").headers
