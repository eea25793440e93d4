"""Tests of instances that start with the load and stop without it, on a live server."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import naiad

SLOW = """
import time
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    time.sleep(0.1)
    return body
"""
CLIENTS = 4


@contextmanager
def load(endpoints: Any, name: str) -> Iterator[Counter[int]]:
    """Runs several clients that invoke without a pause. Yields their statuses, which are complete at the end."""
    is_over, statuses = threading.Event(), Counter[int]()

    def run_client() -> None:
        while not is_over.is_set():
            try:
                answer = endpoints.invoke(name, b"1")
            except ClientError as error:
                answer = error.response
            statuses[answer["ResponseMetadata"]["HTTPStatusCode"]] += 1

    threads = [threading.Thread(target=run_client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
def test_up_with_load_down_to_zero_when_idle_and_woken_by_an_invocation(endpoints: Any, tmp_path: Path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(SLOW)
    environment = {"NAIAD_IDLE_S": "2", "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    connection = naiad.connect(state=endpoints.server.state)
    endpoint = connection.deploy(tmp_path, "elastic", min_replicas=0, max_replicas=2, environment=environment)

    def count() -> int:
        (variant,) = endpoint.describe()["ProductionVariants"]
        return int(variant["CurrentInstanceCount"])

    with load(endpoints, "elastic") as statuses:
        endpoints.until(lambda: count() == 2)
    assert set(statuses) == {200}
    endpoints.until(lambda: count() == 0)
    assert endpoint.invoke(b"awake") == b"awake"
    assert count() == 1
    endpoint.delete()
