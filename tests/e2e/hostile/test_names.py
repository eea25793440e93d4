"""Names made to be used as paths: of keys, buckets, jobs and log streams, encoded once, twice and wrongly."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

TRAVERSALS = (
    "/naiad/../keys.json", "/naiad/%2e%2e/%2e%2e/keys.json", "/../../etc/passwd", "/..%2fkeys.json",
    "/naiad/..%252fkeys.json", "/naiad/%252e%252e/keys.json", "/naiad/%c0%ae%c0%ae/keys.json", "/naiad/%00",
    "/naiad/data%00/a.txt", "/naiad/..\\keys.json", "/naiad/..%5c..%5ckeys.json", "//etc/passwd", "/%2fetc/passwd",
    "/.naiad/buckets", "/naiad/%ef%bc%8e%ef%bc%8e/keys.json", "/naiad/%e2%80%a5/keys.json", "/naiad/%ff", "/%ff/a",
    "/naiad/....//....//keys.json", "/naiad/file:///etc/passwd", "/naiad/a%0d%0aSet-Cookie:x", "/%2e%2e", "/.", "/..",
)  # fmt: skip


def files_of(target: Any) -> set[str]:
    paths = (Path(folder, name) for folder, _, names in os.walk(target.state) for name in names)
    return {str(path.relative_to(target.state)) for path in paths if "blobs" not in path.parts}


@pytest.mark.parametrize(
    "key",
    ["../keys.json", "a/../../keys.json", "..", ".", "/etc/passwd", "a\\..\\b", "..%2f..%2fkeys.json", "%2e%2e/keys.json",
     "a\0b", "\u2025/x", "\uff0e\uff0e/keys.json", "C:\\x", "a" * 1025, "a/" * 511, "@", "%", "~/.ssh/x", "CON", "\r\nx: y"],
    ids=lambda key: repr(key[:24]),
)  # fmt: skip
def test_a_key_is_a_name_and_never_a_path(target: Any, key: str) -> None:
    """The key is rejected, or stored under exactly that name."""
    store, secret, before = target.client("s3"), (target.state / "keys.json").read_bytes(), files_of(target)
    try:
        store.put_object(Bucket="naiad", Key=key, Body=b"x")
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    else:
        status = 400
        assert store.get_object(Bucket="naiad", Key=key)["Body"].read() == b"x"
        assert key in [one["Key"] for one in store.list_objects_v2(Bucket="naiad")["Contents"]]
        store.delete_object(Bucket="naiad", Key=key)
    assert 400 <= status < 500
    assert (target.state / "keys.json").read_bytes() == secret
    assert files_of(target) == before


@pytest.mark.parametrize("path", TRAVERSALS)
def test_paths_that_traverse_folders(target: Any, path: str) -> None:
    """The path is signed and sent as it is, without the normalization that clients do."""
    status, text = target.call("GET", path)
    assert 400 <= status < 500, text
    assert "<Error>" in text or status == 400
    assert target.address.secret_key not in text
    assert "root:" not in text
    assert "Set-Cookie" not in text.partition("\r\n\r\n")[0]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_an_object_put_by_such_a_path_stays_in_the_store(target: Any, path: str) -> None:
    before = files_of(target)
    status, text = target.call("PUT", path, b"x")
    assert status < 500, text
    assert files_of(target) == before
    if status == 200:
        assert target.call("GET", path)[1].endswith("\r\nx")
        assert target.call("DELETE", path)[0] == 204


@pytest.mark.parametrize(
    "source", ["/../keys.json", "naiad/../../keys.json", "..%2fkeys.json", "/etc/passwd", "", "\xff"]
)
def test_copies_from_outside(target: Any, source: str) -> None:
    status, text = target.call("PUT", "/naiad/copied", headers={"x-amz-copy-source": source})
    assert 400 <= status < 500, text


@pytest.mark.parametrize("upload", ["../../keys.json", "..", "%2e%2e", "/etc/passwd", "\0", "x" * 2_000])
def test_upload_ids_that_look_like_paths(target: Any, upload: str) -> None:
    before = files_of(target)
    for method, query in (("GET", "?uploadId="), ("DELETE", "?uploadId="), ("PUT", "?partNumber=1&uploadId=")):
        status, text = target.call(method, "/naiad/k", query=query + quote(upload, safe=""))
        assert (status, "NoSuchUpload" in text) == (404, True), text
    assert files_of(target) == before


@pytest.mark.parametrize(
    "name", ["../x", "..", "a/b", "%2e%2e", "A_b", "a" * 300, "x\0", "192.168.0.1", "ü", "x..y", "-a"]
)
def test_bucket_names(target: Any, name: str) -> None:
    before = set(target.state.iterdir())
    status, _ = target.call("PUT", f"/{quote(name, safe='')}")
    assert 400 <= status < 500
    assert set(target.state.iterdir()) == before


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "..", "a" * 64, "", "a\0", "-a", "ü", "a\n", "%2e%2e", "..\\x"])
def test_job_names(target: Any, name: str) -> None:
    before = files_of(target)
    for operation in ("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "DeleteTrainingJob"):
        status, text = target.api(json.dumps({"TrainingJobName": name}).encode(), f"SageMaker.{operation}")
        assert (status, "ValidationException" in text) == (400, True), text
    assert files_of(target) == before


@pytest.mark.parametrize("stream", ["../../keys.json", "../x/algo-1", "/etc/passwd", "a/../../b", "\0", "x" * 600])
def test_log_streams(target: Any, stream: str) -> None:
    request = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": stream}
    headers = {"X-Amz-Target": "Logs_20140328.GetLogEvents"}
    status, text = target.call("POST", "/", json.dumps(request).encode(), service="logs", headers=headers)
    assert status == 400, text
    assert target.address.secret_key not in text
