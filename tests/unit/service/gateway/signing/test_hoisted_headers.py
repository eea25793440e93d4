from naiad.service.gateway.http.request import Request
from naiad.service.gateway.signing.hoisted_headers import hoisted_headers


def test_headers_in_a_presigned_url() -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k&X-Amz-Date=d&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=s&X-Amz-Security-Token=t&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"
        "&x-amz-meta-one=1%202&x-amz-tagging=a%3D1&x-id=PutObject&partNumber=1"
    )
    assert hoisted_headers(Request("PUT", "/b/k", query, {})) == {"x-amz-meta-one": "1 2", "x-amz-tagging": "a=1"}
