import pytest

from naiad.service.domain.clock import SystemClock
from naiad.service.gateway.s3.call import Call, split_path
from naiad.service.gateway.s3.operations import operation_of


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
    bucket, key = split_path(request.raw_path)
    call = Call(request, blobs, SystemClock(), "r", None, bucket, key)
    assert operation_of(call).name == name
