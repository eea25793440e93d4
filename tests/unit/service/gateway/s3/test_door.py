"""What the clients of tests/wire do not send."""

import pytest


def test_an_unknown_operation_is_told_as_xml(call):
    answer = call("GET", "/data?inventory&id=1")
    assert (answer.status, answer.headers["content-type"]) == (501, "application/xml")
    assert "<Code>NotImplemented</Code>" in answer.text
    assert answer.headers["x-amz-request-id"] == "request-1"
    assert answer.headers["content-length"] == str(len(answer.body))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 405),
        ("PUT", "/data/k?versionId=7", 404),
        ("GET", "/data/%FF", 400),
        ("PATCH", "/data/k", 501),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/..%2F..%2Fetc/passwd", 404),
        ("GET", "/data/..%2F..%2Fetc%2Fpasswd", 404),
        ("PUT", "/.naiad/temporary/x", 404),
        ("PUT", "/data/" + "x" * 1025, 400),
        ("PUT", "/a..b", 400),
    ],
)
def test_refusals(call, method, path, status):
    assert call(method, path).status == status


def test_a_refused_client_that_waits_to_send_is_let_go(call):
    assert call("PUT", "/none/k", headers={"expect": "100-continue"}).headers["connection"] == "close"
    assert "connection" not in call("PUT", "/data/k", headers={"expect": "100-continue"}).headers


def test_head_has_no_body(call):
    answer = call("HEAD", "/data/none")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (404, b"", "0")
