"""A handle for an endpoint on a server: predicts, waits, reads logs, deletes."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from botocore.exceptions import ClientError

from naiad.client.aws_errors import message_of
from naiad.client.request_body import Body, make_bodies
from naiad.errors import InputError, NaiadError

_LOG_GROUP = "/aws/sagemaker/Endpoints/"
_POLL_S = 0.2


@dataclass(frozen=True)
class EndpointPredictions:
    """labels (N,): class names, values, or cluster numbers. scores: (N, K) probabilities; (N, 1) values for regression."""

    labels: npt.NDArray[Any]
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True)
class EndpointHandle:
    client: Callable[[str], Any]
    """Returns a boto3 client of the server, by the service's name."""
    name: str

    def predict(self, inputs: Any) -> EndpointPredictions:
        """Takes what ``Model.predict`` takes: arrays and tensors, image files, a CSV file, rows as mappings.

        Raises InputError with the server's message for inputs that the model does not take, DataError for inputs that cannot be
        sent. The endpoint must serve an artifact.
        """
        answers = [self._predict_body(body) for body in make_bodies(inputs)]
        labels = [label for answer in answers for label in answer["labels"]]
        scores = [row for answer in answers for row in answer["scores"]]
        return EndpointPredictions(_label_array(labels), np.array(scores, dtype=np.float32))

    def invoke(self, body: bytes, content_type: str = "application/json", *, accept: str = "") -> bytes:
        """Returns the model's answer as it is. Raises ClientError."""
        headers = {"Accept": accept} if accept else {}
        runtime = self.client("sagemaker-runtime")
        response = runtime.invoke_endpoint(EndpointName=self.name, Body=body, ContentType=content_type, **headers)
        answer: bytes = response["Body"].read()
        return answer

    def describe(self) -> dict[str, Any]:
        """Returns DescribeEndpoint's answer."""
        answer: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=self.name)
        return answer

    @property
    def status(self) -> str:
        """Creating, Updating, InService, Deleting or Failed."""
        return str(self.describe()["EndpointStatus"])

    def wait(self, *, timeout_s: float = 600.0) -> "EndpointHandle":
        """Waits until the endpoint serves its last configuration. Raises NaiadError with the reason when that failed."""
        deadline = time.monotonic() + timeout_s
        while (description := self.describe())["EndpointStatus"] in ("Creating", "Updating", "SystemUpdating"):
            if time.monotonic() > deadline:
                raise NaiadError(
                    f"endpoint {self.name} is not in service after {timeout_s:g} s",
                    hint="wait longer, or look at its logs",
                )
            time.sleep(_POLL_S)
        reason = description.get("FailureReason")
        if reason or description["EndpointStatus"] != "InService":
            raise NaiadError(
                f"endpoint {self.name} is {description['EndpointStatus']}: {reason or 'no reason was given'}"
            )
        return self

    def logs(self) -> Iterator[str]:
        """Yields what its replicas wrote and what was measured at its deployment, stream by stream."""
        pages = self.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=_LOG_GROUP + self.name):
            yield from (event["message"] for event in page["events"])

    def delete(self) -> None:
        """Deletes the endpoint once the requests that it has begun are answered; its configuration and its model stay."""
        self.client("sagemaker").delete_endpoint(EndpointName=self.name)

    def _predict_body(self, body: Body) -> dict[str, Any]:
        try:
            content = self.invoke(body.content, body.content_type, accept="application/json")
        except ClientError as error:
            raise InputError(message_of(error)) from error
        answer = parse_predictions(content)
        if answer is None:
            raise InputError(
                f"endpoint {self.name} answers in a form of its own: {content[:200]!r}", hint="use invoke(body, type)"
            )
        return answer


def parse_predictions(content: bytes) -> dict[str, Any] | None:
    """Returns the ``labels`` and ``scores`` that an artifact's endpoint answers with; None for another answer."""
    try:
        answer = json.loads(content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and {"labels", "scores"} <= answer.keys() else None


def _label_array(labels: list[Any]) -> npt.NDArray[Any]:
    """Returns (N,) of the type that ``Model.predict`` gives: float64 for a regression, with NaN for null."""
    if all(one is None or isinstance(one, float) for one in labels):
        return np.array(labels, dtype=np.float64)
    return np.array(labels)
