import pytest

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.hoisted_headers import hoisted_headers


def test_headers_in_a_presigned_url() -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k&X-Amz-Date=d&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=s&X-Amz-Security-Token=t&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"
        "&x-amz-meta-one=1%202&x-amz-tagging=a%3D1&x-id=PutObject&partNumber=1"
    )
    assert hoisted_headers(Request("PUT", "/b/k", query, {})) == {"x-amz-meta-one": "1 2", "x-amz-tagging": "a=1"}


@pytest.mark.parametrize("pair", ["X-Amz-Meta-A=x%0D%0Ay", "x-amz-meta-a=%C3%BC", "x-amz-meta-a%0Ax-amz-meta-b=1"])
def test_a_value_that_cannot_stand_in_a_header(pair: str) -> None:
    with pytest.raises(RequestRejected, match="cannot be a header"):
        hoisted_headers(Request("PUT", "/b/k", pair, {}))
