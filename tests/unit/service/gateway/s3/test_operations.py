"""Operations of requests."""

import pytest

from naiad.service.gateway.s3.operations import find_operation
from naiad.service.gateway.s3.s3_call import S3Call, split_path


@pytest.mark.parametrize(
    ("method", "path", "headers", "name"),
    [
        ("GET", "/", {}, "ListBuckets"),
        ("GET", "/b", {}, "ListObjects"),
        ("GET", "/b/", {}, "ListObjects"),
        ("GET", "/b?list-type=2&prefix=acl", {}, "ListObjectsV2"),
        ("GET", "/b?location", {}, "GetBucketLocation"),
        ("GET", "/b?uploads", {}, "ListMultipartUploads"),
        ("GET", "/b/k", {}, "GetObject"),
        ("GET", "/b/k?x-id=GetObject&X-Amz-Signature=1", {}, "GetObject"),
        ("PUT", "/b/k", {}, "PutObject"),
        ("PUT", "/b/k", {"x-amz-copy-source": "/a/b"}, "CopyObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {"x-amz-copy-source": "/a/b"}, "UploadPartCopy"),
        ("GET", "/b?cors", {}, "GetBucketCors"),
        ("POST", "/b/k?uploads", {}, "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", {}, "CompleteMultipartUpload"),
        ("POST", "/b?delete", {}, "DeleteObjects"),
        ("DELETE", "/b/k?uploadId=u", {}, "AbortMultipartUpload"),
    ],
)
def test_names(make_request, blobs, method, path, headers, name):
    request = make_request(method, path, headers=headers)
    bucket, key = split_path(request.path)
    parties = {"principal": None, "content": None, "trailers": {}, "blobs": blobs, "threads": None, "region": "r"}
    call = S3Call(request=request, bucket=bucket, key=key, **parties)
    assert find_operation(call).name == name
