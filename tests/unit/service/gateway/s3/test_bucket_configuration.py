"""Configurations that no bucket has, and those that every one has."""

import pytest

from naiad.service.gateway.s3.bucket_configuration import CONFIGURATIONS


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configurations_that_no_bucket_has(call, name):
    assert f"<Code>{CONFIGURATIONS[name].error_code}</Code>" in call("GET", f"/data?{name}").text
    assert "<Code>NoSuchBucket</Code>" in call("GET", f"/none?{name}").text
    assert call("PUT", f"/data?{name}").status == 501


def test_configurations_that_are_there(call):
    call("PUT", "/data/k", body=b"x")
    assert "<VersioningConfiguration" in call("GET", "/data?versioning").text
    assert "FULL_CONTROL" in call("GET", "/data?acl").text
    assert "FULL_CONTROL" in call("GET", "/data/k?acl").text
    assert "<TagSet></TagSet>" in call("GET", "/data/k?tagging").text
    assert call("GET", "/data/none?tagging").status == 404
    assert call("PUT", "/data/k?tagging").status == 501
