import json
from typing import Any

import numpy as np
import pytest

from naiad.service.endpoints.worker.artifact_handler import ArtifactHandler, described
from naiad.service.endpoints.worker.content_types import Described
from naiad.service.endpoints.worker.inference import Invocation
from naiad.service.endpoints.worker.input_schema import ArraySchema

MEANING = Described("classification", ("low", "high"), "label")


class Sums:
    """Scores by the sum of a sample; notes what it was given, and fails at 13."""

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
    return ArtifactHandler(Sums(), ArraySchema((2,)), MEANING, 4)


def labels(answer: Any) -> list[str]:
    return json.loads(answer.body)["labels"]


def asked(*values: Any) -> list[Invocation]:
    return [Invocation(json.dumps(value).encode()) for value in values]


def test_several_are_one_run_and_each_gets_its_own(handler: ArtifactHandler):
    answers = handler.answer(asked([1, 1], [[-1, -1], [2, 2]], [-5, 0]))
    assert [labels(answer) for answer in answers] == [["high"], ["low", "high"], ["low"]]
    assert handler.engine.sizes == [4]


def test_one_that_does_not_fit_spoils_no_other(handler: ArtifactHandler):
    answers = handler.answer([*asked([1, 1]), Invocation(b"{"), *asked([1, 2, 3], [-1, 0])])
    assert [answer.status for answer in answers] == [200, 400, 400, 200]
    assert b"(3,)" in answers[2].body
    assert labels(answers[3]) == ["low"]


def test_one_that_the_engine_fails_at_is_tried_alone(handler: ArtifactHandler):
    answers = handler.answer(asked([1, 1], [13, 0], [-1, 0]))
    assert [answer.status for answer in answers] == [200, 424, 200]
    assert answers[1].body == b"RuntimeError: thirteen"


def test_a_large_batch_is_run_in_parts(handler: ArtifactHandler):
    (answer,) = handler.answer(asked([[1, 0]] * 10))
    assert labels(answer) == ["high"] * 10
    assert handler.engine.sizes == [4, 4, 2]


def test_an_accept_that_cannot_be_met(handler: ArtifactHandler):
    (answer,) = handler.answer([Invocation(b"[1, 1]", accept="image/png")])
    assert answer.status == 406


def test_what_the_record_says():
    assert described({"task": "regression", "classes": [], "target_name": "price", "more": 1}) == Described(
        "regression", (), "price"
    )
