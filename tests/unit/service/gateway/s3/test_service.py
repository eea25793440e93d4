"""Requests that the clients of tests/wire do not send."""

import pytest


def test_an_unknown_operation_is_an_error_in_xml(call):
    response = call("GET", "/data/k?torrent")
    assert (response.status, response.headers["content-type"]) == (501, "application/xml")
    assert "<Code>NotImplemented</Code>" in response.text
    assert response.headers["x-amz-request-id"] == "request-1"
    assert response.headers["content-length"] == str(len(response.body))


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
def test_errors(call, method, path, status):
    assert call(method, path).status == status


def test_an_error_ends_the_connection_of_a_client_that_waits_to_send(call):
    assert call("PUT", "/none/k", headers={"expect": "100-continue"}).headers["connection"] == "close"
    assert "connection" not in call("PUT", "/data/k", headers={"expect": "100-continue"}).headers


def test_errors_of_head_have_no_body(call):
    response = call("HEAD", "/data/none")
    assert (response.status, response.body, response.headers["content-length"]) == (404, b"", "0")
