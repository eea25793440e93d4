"""Random requests: signed ones with bytes changed, cut or doubled, odd ones with a valid signature, and noise."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

PATIENCE_S = 0.15
THREADS = 24
METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
PATHS = (
    "/",
    "/naiad",
    "/naiad/k",
    "/naiad/data/a.txt",
    "/x",
    "/BatchPutMetrics",
    "/endpoints/e/invocations",
    "/%2e%2e",
)
QUERIES = (
    "", "?list-type=2", "?uploads", "?uploadId=x", "?partNumber=1&uploadId=x", "?delete", "?max-keys=-1", "?acl",
    "?prefix=%00&marker=%ff", "?versionId=1", "?list-type=2&continuation-token=x", "?response-content-type=%0d%0a",
)  # fmt: skip
TARGETS = (
    "SageMaker.ListTrainingJobs",
    "SageMaker.CreateTrainingJob",
    "SageMaker.Search",
    "Logs_20140328.GetLogEvents",
    "x",
)
BODIES = (
    b"", b"{}", b'{"TrainingJobName":"x"}', b"<Delete/>", b"<Delete><Object><Key>k</Key></Object></Delete>",
    b"Action=GetCallerIdentity", b'{"Resource":"TrainingJob","SearchExpression":{"Filters":[{}]}}', b"5\r\nhello\r\n0\r\n\r\n",
)  # fmt: skip
HEADERS = (
    ("Range", "bytes=-0"), ("Range", "bytes=9-1"), ("If-Match", "*"), ("If-Modified-Since", "x"), ("Content-MD5", "x"),
    ("Content-Type", "\xff"), ("x-amz-copy-source", "naiad/%ff"), ("x-amz-meta-a", "\xe9"), ("Expect", "100-continue"),
    ("x-amz-decoded-content-length", "-1"), ("x-amz-checksum-crc32", "x"), ("x-amz-sdk-checksum-algorithm", "x"),
    ("Content-Encoding", "aws-chunked"), ("x-amz-metadata-directive", "x"), ("Transfer-Encoding", "x"),
)  # fmt: skip


def random_request(draw: random.Random, target: Any) -> bytes:
    kind = draw.random()
    if kind < 0.1:
        return draw.randbytes(draw.randrange(1, 2_000))
    data = odd_request(draw, target)
    return data if kind < 0.4 else mutate(draw, data)


def odd_request(draw: random.Random, target: Any) -> bytes:
    """Returns an odd request with a valid signature."""
    service = draw.choice(["s3", "s3", "sagemaker", "logs", "sts", "iam", "monitoring", "sagemaker-metrics", "x"])
    body = draw.choice([*BODIES, draw.randbytes(50)])
    headers = {"X-Amz-Target": draw.choice(TARGETS)} if service in ("sagemaker", "logs", "x") else {}
    headers |= dict(draw.sample(HEADERS, draw.randrange(3)))
    path, query = draw.choice(PATHS), draw.choice(QUERIES)
    signed = target.head(draw.choice(METHODS), path, query=query, body=body, service=service, headers=headers)
    return signed + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def mutate(draw: random.Random, data: bytes) -> bytes:
    for _ in range(draw.randrange(1, 6)):
        position = draw.randrange(len(data) + 1)
        data = draw.choice(
            [
                data[:position] + draw.randbytes(1) + data[position + 1 :],
                data[:position],
                data + data[position:],
            ]
        )
    return data


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_random_requests(target: Any, count: int) -> None:
    """No internal error and no hang: of the 5xx only 501 and 503 are allowed."""
    draw = random.Random(count)
    requests = [random_request(draw, target) for _ in range(count)]
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(lambda data: target.exchange(data, patience_s=PATIENCE_S), requests))
    for data, (status, text) in zip(requests, answers, strict=True):
        assert status < 500 or status in (501, 503), (data, text)
        assert "internal error" not in text, (data, text)
    assert len([status for status, _ in answers if 400 <= status < 500]) > count / 4
