import json
from typing import Any

import numpy as np
import pytest

from naiad.service.endpoints.worker.artifact_handler import ArtifactHandler, read_output_schema
from naiad.service.endpoints.worker.content_types import OutputSchema
from naiad.service.endpoints.worker.inference import InferenceRequest
from naiad.service.endpoints.worker.input_schema import ArrayInput

OUTPUT = OutputSchema("classification", ("low", "high"), "label")


class Sums:
    """Engine that scores by the sum of a sample. Records its batch sizes, and fails at 13."""

    name = "sums"

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, raw: Any) -> Any:
        self.sizes.append(len(raw))
        if (raw == 13).any():
            raise RuntimeError("thirteen")
        total = raw.sum(axis=1, keepdims=True)
        return np.concatenate([-total, total], axis=1).astype(np.float32)


@pytest.fixture
def handler() -> ArtifactHandler:
    return ArtifactHandler(Sums(), ArrayInput((2,)), OUTPUT, 4)


def labels(response: Any) -> list[str]:
    return json.loads(response.body)["labels"]


def requests(*values: Any) -> list[InferenceRequest]:
    return [InferenceRequest(json.dumps(value).encode()) for value in values]


def test_requests_are_one_run_and_each_gets_its_own_response(handler: ArtifactHandler):
    responses = handler.handle(requests([1, 1], [[-1, -1], [2, 2]], [-5, 0]))
    assert [labels(one) for one in responses] == [["high"], ["low", "high"], ["low"]]
    assert handler.engine.sizes == [4]


def test_a_malformed_request_does_not_harm_the_others(handler: ArtifactHandler):
    responses = handler.handle([*requests([1, 1]), InferenceRequest(b"{"), *requests([1, 2, 3], [-1, 0])])
    assert [one.status for one in responses] == [200, 400, 400, 200]
    assert b"(3,)" in responses[2].body
    assert labels(responses[3]) == ["low"]


def test_requests_are_run_one_by_one_when_the_batch_fails(handler: ArtifactHandler):
    responses = handler.handle(requests([1, 1], [13, 0], [-1, 0]))
    assert [one.status for one in responses] == [200, 424, 200]
    assert responses[1].body == b"RuntimeError: thirteen"


def test_a_large_input_is_run_in_several_batches(handler: ArtifactHandler):
    (response,) = handler.handle(requests([[1, 0]] * 10))
    assert labels(response) == ["high"] * 10
    assert handler.engine.sizes == [4, 4, 2]


def test_an_unsupported_accept_is_406(handler: ArtifactHandler):
    (response,) = handler.handle([InferenceRequest(b"[1, 1]", accept="image/png")])
    assert response.status == 406


def test_output_schema_from_naiad_json():
    assert read_output_schema({"task": "regression", "classes": [], "target_name": "price", "more": 1}) == OutputSchema(
        "regression", (), "price"
    )
