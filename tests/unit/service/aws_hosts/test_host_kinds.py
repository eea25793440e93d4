"""Kinds of hosts: the gateway's, telemetry's and others."""

import pytest

from naiad.service.aws_hosts.host_kinds import HostKind, classify_host

REGION = "us-east-1"


@pytest.mark.parametrize(
    "host",
    [
        "iam.amazonaws.com",
        "sts.amazonaws.com",
        "sts.eu-central-1.amazonaws.com",
        "sts.us-gov-west-1.amazonaws.com",
        "api.sagemaker.us-east-1.amazonaws.com",
        "runtime.sagemaker.us-east-1.amazonaws.com",
        "metrics.sagemaker.us-east-1.amazonaws.com",
        "logs.us-east-1.amazonaws.com",
        "monitoring.us-east-1.amazonaws.com",
        "s3.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "s3-us-west-2.amazonaws.com",
        "s3.dualstack.us-east-1.amazonaws.com",
        "naiad.s3.amazonaws.com",
        "a.dotted.bucket.s3.us-east-1.amazonaws.com",
        "sagemaker-us-east-1-000000000000.s3.us-east-1.amazonaws.com",
    ],
)
def test_hosts_of_the_gateway(host):
    assert classify_host(host, 443) is HostKind.GATEWAY
    assert classify_host(host, 8443) is HostKind.OTHER


@pytest.mark.parametrize(
    "host",
    [
        "amazonaws.com",
        "ec2.us-east-1.amazonaws.com",
        "763104351884.dkr.ecr.us-east-1.amazonaws.com",
        "pypi.org",
        "iam.amazonaws.com.example.org",
        "evil-sts.us-east-1.amazonaws.com",
        "sts.us-east-1.amazonaws.com.cn",
        "xs3.amazonaws.com",
        "sts.us-east-1.amazonaws.com\n",
        f"{'a.' * 130}s3.amazonaws.com",
    ],
)
def test_other_hosts(host):
    assert classify_host(host, 443) is HostKind.OTHER


@pytest.mark.parametrize("name", ["sm-pysdk-t", "dev-exp-t"])
def test_the_telemetry_host_is_no_bucket(name):
    assert classify_host(f"{name}-us-east-1.s3.us-east-1.amazonaws.com", 443) is HostKind.TELEMETRY
    assert classify_host(f"{name}.s3.us-east-1.amazonaws.com", 443) is HostKind.GATEWAY
