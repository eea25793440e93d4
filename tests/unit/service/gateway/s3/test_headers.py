"""Headers of objects, and conditions of writes."""

import pytest

from naiad.service.blobs.port import WriteCondition
from naiad.service.domain.errors import NotServed
from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.headers import object_attributes, write_condition


def test_stored_attributes(make_request):
    headers = {"x-amz-meta-a": "1", "content-encoding": "aws-chunked,gzip", "expires": "0", "x-amz-acl": "private"}
    attributes = object_attributes(make_request("PUT", "/b/k", headers=headers))
    assert attributes.metadata == {"a": "1"}
    assert attributes.headers == {"content-encoding": "gzip", "expires": "0"}
    assert attributes.content_type == "binary/octet-stream"
    several = object_attributes(make_request("PUT", "/b/k", headers={"content-encoding": "deflate, gzip"}))
    assert several.headers == {"content-encoding": "deflate, gzip"}
    chunked = object_attributes(make_request("PUT", "/b/k", headers={"content-encoding": "aws-chunked"}))
    assert chunked.headers == {}


@pytest.mark.parametrize("name", ["x-amz-object-lock-mode", "x-amz-object-lock-legal-hold", "x-amz-write-offset-bytes"])
def test_headers_that_would_be_ignored_are_rejected(make_request, name):
    with pytest.raises(NotServed, match=name):
        object_attributes(make_request("PUT", "/b/k", headers={name: "x"}))


def test_too_much_metadata(make_request):
    with pytest.raises(S3Error, match="2048"):
        object_attributes(make_request("PUT", "/b/k", headers={"x-amz-meta-a": "x" * 2048}))


def test_a_conditional_write(make_request):
    assert write_condition(make_request("PUT", "/", headers={"if-match": '"x"'})) == WriteCondition(if_match="x")
    assert write_condition(make_request("PUT", "/", headers={"if-none-match": "*"})) == WriteCondition(
        if_none_match="*"
    )
    assert write_condition(make_request("PUT", "/", headers={"if-none-match": '"x"'})) == WriteCondition(
        if_none_match="x"
    )
