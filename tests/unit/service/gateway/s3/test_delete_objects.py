"""DeleteObjects."""

import pytest


def make_body(*keys, quiet=False):
    rows = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    return f"<Delete>{rows}{'<Quiet>true</Quiet>' if quiet else ''}</Delete>".encode()


def test_several_keys_are_deleted_at_once(call):
    for key in "ab":
        call("PUT", f"/data/{key}", body=b"x")
    assert (
        "<Deleted><Key>a</Key></Deleted><Deleted><Key>none</Key></Deleted>"
        in call("POST", "/data?delete", body=make_body("a", "none")).text
    )
    assert "Deleted>" not in call("POST", "/data?delete", body=make_body("b", quiet=True)).text
    assert call("GET", "/data/b").status == 404


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("<ETag>&quot;bad&quot;</ETag>", "PreconditionFailed"),
        ("<LastModifiedTime>Wed, 04 Mar 2020 05:06:07 GMT</LastModifiedTime>", "PreconditionFailed"),
        ("<LastModifiedTime>yesterday</LastModifiedTime>", "InvalidArgument"),
        ("<Size>2</Size>", "PreconditionFailed"),
        ("<Size>few</Size>", "InvalidArgument"),
        ("<VersionId>v1</VersionId>", "NoSuchVersion"),
    ],
)
def test_a_key_with_a_failed_condition_stays_and_the_others_are_deleted(call, condition, code):
    for key in "ab":
        call("PUT", f"/data/{key}", body=b"x")
    rows = f"<Object><Key>a</Key>{condition}</Object><Object><Key>b</Key></Object>"
    text = call("POST", "/data?delete", body=f"<Delete>{rows}</Delete>".encode()).text
    assert f"<Error><Key>a</Key><Code>{code}</Code>" in text
    assert "<Deleted><Key>b</Key></Deleted>" in text
    assert (call("GET", "/data/a").status, call("GET", "/data/b").status) == (200, 404)


def test_a_key_with_a_fulfilled_condition_is_deleted(call):
    etag = call("PUT", "/data/a", body=b"x").headers["etag"].strip('"')
    time = "<LastModifiedTime>2026-03-04T05:06:07Z</LastModifiedTime>"
    row = f"<Object><Key>a</Key><ETag>{etag}</ETag><Size>1</Size>{time}</Object>"
    assert "<Deleted>" in call("POST", "/data?delete", body=f"<Delete>{row}</Delete>".encode()).text
    assert call("GET", "/data/a").status == 404


@pytest.mark.parametrize(
    "wrong", [b"", make_body(), b"<Other/>", make_body(*map(str, range(1001))), b"<!DOCTYPE a><Delete/>"]
)
def test_malformed_bodies(call, wrong):
    assert "<Code>MalformedXML</Code>" in call("POST", "/data?delete", body=wrong).text


def test_a_body_with_another_checksum(call):
    response = call("POST", "/data?delete", body=make_body("a"), headers={"x-amz-checksum-crc32": "AAAAAA=="})
    assert "<Code>BadDigest</Code>" in response.text


def test_a_body_that_is_too_large(call):
    assert "<Code>EntityTooLarge</Code>" in call("POST", "/data?delete", body=[b" " * 2**20] * 5).text


def test_a_missing_bucket(call):
    assert call("POST", "/none?delete", body=make_body("a")).status == 404
