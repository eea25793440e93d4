"""Measures the time to verify the signature of a request by botocore's client, with the keys of a real file.

python benchmarks/signature_cost.py [rounds]
"""

import datetime as dt
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from log import log_row

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.signing.verify import verify
from naiad.service.keys import Key, Keys

GOAL_US = 100
ROUNDS = 2_000
BATCH = 20
URL = "http://127.0.0.1:8128"
BOTO3_HEADERS = {
    "Host": "127.0.0.1:8128",
    "User-Agent": "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11 cfg/retry-mode#legacy",
    "amz-sdk-invocation-id": "5d2f2a5e-6d3c-4b7e-8f51-0a7f0e2d1111",
    "amz-sdk-request": "attempt=1",
    "Accept-Encoding": "identity",
}
CREATE = json.dumps(
    {
        "TrainingJobName": "fashion-000001",
        "HyperParameters": {f"parameter-{number}": "value" * 4 for number in range(20)},
        "Environment": {f"NAME_{number}": "value" * 4 for number in range(20)},
    }
).encode()


def sign_request(service: str, method: str, target: str, body: bytes, headers: dict[str, str], key: Key) -> Request:
    request = AWSRequest(method, f"{URL}{target}", data=body, headers={**BOTO3_HEADERS, **headers})
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    auth(Credentials(key.access_key, key.secret_key), service, "us-east-1").add_auth(request)
    path, _, query = target.partition("?")
    return Request(method, path, query, {name.lower(): value for name, value in request.headers.items()})


def make_cases(key: Key) -> dict[str, tuple[Request, bytes]]:
    json_type = {"Content-Type": "application/x-amz-json-1.1"}
    describe, create = (
        {**json_type, "X-Amz-Target": f"SageMaker.{name}TrainingJob"} for name in ("Describe", "Create")
    )
    body = b'{"TrainingJobName":"fashion-000001"}'
    invoke = "/endpoints/shoes/invocations"
    rows, image = json.dumps({"instances": [[0.5] * 784]}).encode(), bytes(150_528)
    raw_type = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
    page = "/data?list-type=2&prefix=fashion%2Ftrain&encoding-type=url&max-keys=1000"
    return {
        "DescribeTrainingJob": (sign_request("sagemaker", "POST", "/", body, describe, key), body),
        "CreateTrainingJob": (sign_request("sagemaker", "POST", "/", CREATE, create, key), CREATE),
        f"InvokeEndpoint, {len(rows):,} bytes of JSON": (
            sign_request("sagemaker", "POST", invoke, rows, {"Content-Type": "application/json"}, key),
            rows,
        ),
        f"InvokeEndpoint, {len(image):,} bytes": (
            sign_request("sagemaker", "POST", invoke, image, raw_type, key),
            image,
        ),
        "GetObject": (sign_request("s3", "GET", "/data/fashion/train/000001.png", b"", {}, key), b""),
        "ListObjectsV2": (sign_request("s3", "GET", page, b"", {}, key), b""),
    }


def verification_times_us(raw: Request, body: bytes, keys: Keys, rounds: int) -> list[float]:
    """Returns means of batches. Each request is new, as in the gateway; digest, key and signature are measured."""
    now, times = dt.datetime.now(dt.UTC), []

    def secret_of(access_key: str) -> str | None:
        key = keys.find(access_key)
        return key.secret_key if key is not None else None

    for _ in range(rounds):
        requests = [Request(raw.method, raw.path, raw.query_string, raw.headers) for _ in range(BATCH)]
        started = time.perf_counter()
        for request in requests:
            verify(request, secret_of, now, body_hash=hashlib.sha256(body).hexdigest())
        times.append((time.perf_counter() - started) / BATCH * 1e6)
    return times


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        keys = Keys.open(Path(folder))
        for name, (raw, body) in make_cases(keys.first()).items():
            times = verification_times_us(raw, body, keys, rounds)
            goal = f"< {GOAL_US} µs"
            print(log_row(f"signature of {name}", times, unit="µs", goal=goal, script="signature_cost.py"))


if __name__ == "__main__":
    main()
