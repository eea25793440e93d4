"""An endpoint on a server: asked, followed, changed and deleted from here."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from botocore.exceptions import ClientError

from naiad.client.bodies import bodies_of
from naiad.errors import InputError, NaiadError

_GROUP = "/aws/sagemaker/Endpoints/"
_POLL_S = 0.2


@dataclass(frozen=True)
class EndpointPredictions:
    """labels (N,): class names, values, or cluster numbers. scores: (N, K) probabilities; (N, 1) values for regression."""

    labels: npt.NDArray[Any]
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True)
class EndpointHandle:
    client: Callable[[str], Any]
    """A boto3 client of the server, by the service's name."""
    name: str

    def predict(self, inputs: Any) -> EndpointPredictions:
        """Of an artifact: arrays and tensors, image files, a CSV file, rows as mappings. As ``Model.predict`` takes them.

        Raises InputError with the server's words for what does not fit, DataError for what cannot be sent.
        """
        answers = [self._predicted(body, content_type) for body, content_type in bodies_of(inputs)]
        labels = [label for answer in answers for label in answer["labels"]]
        scores = [row for answer in answers for row in answer["scores"]]
        return EndpointPredictions(_labels(labels), np.array(scores, dtype=np.float32))

    def invoke(self, body: bytes, content_type: str = "application/json", *, accept: str = "") -> bytes:
        """The model's answer as it is. Raises ClientError."""
        wanted = {"Accept": accept} if accept else {}
        runtime = self.client("sagemaker-runtime")
        response = runtime.invoke_endpoint(EndpointName=self.name, Body=body, ContentType=content_type, **wanted)
        answer: bytes = response["Body"].read()
        return answer

    def describe(self) -> dict[str, Any]:
        """DescribeEndpoint's answer."""
        answer: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=self.name)
        return answer

    @property
    def status(self) -> str:
        """Creating, Updating, InService, Deleting or Failed."""
        return str(self.describe()["EndpointStatus"])

    def wait(self, *, timeout_s: float = 600.0) -> "EndpointHandle":
        """Until it is in service with what was asked for last. Raises NaiadError with the reason when that failed."""
        deadline = time.monotonic() + timeout_s
        while (described := self.describe())["EndpointStatus"] in ("Creating", "Updating", "SystemUpdating"):
            if time.monotonic() > deadline:
                raise NaiadError(
                    f"endpoint {self.name} is not in service after {timeout_s:g} s", hint="wait on, or look at its logs"
                )
            time.sleep(_POLL_S)
        reason = described.get("FailureReason")
        if reason or described["EndpointStatus"] != "InService":
            raise NaiadError(
                f"endpoint {self.name} is {described['EndpointStatus']}: {reason or 'no reason was given'}"
            )
        return self

    def logs(self) -> Iterator[str]:
        """What its replicas wrote and what was measured at its deployment, stream by stream."""
        pages = self.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=_GROUP + self.name):
            yield from (event["message"] for event in page["events"])

    def delete(self) -> None:
        """What it had begun is finished; its configuration and its model stay."""
        self.client("sagemaker").delete_endpoint(EndpointName=self.name)

    def _predicted(self, body: bytes, content_type: str) -> dict[str, Any]:
        try:
            content = self.invoke(body, content_type, accept="application/json")
        except ClientError as error:
            raise InputError(error.response["Error"].get("Message") or str(error)) from error
        answer = labelled(content)
        if answer is None:
            raise InputError(
                f"endpoint {self.name} answers in a form of its own: {content[:200]!r}", hint="use invoke(body, type)"
            )
        return answer


def labelled(content: bytes) -> dict[str, Any] | None:
    """The labels and scores that an artifact's endpoint answers with; None for another answer."""
    try:
        answer = json.loads(content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and {"labels", "scores"} <= answer.keys() else None


def _labels(labels: list[Any]) -> npt.NDArray[Any]:
    """(N,), as ``Model.predict`` gives them: a regression's are float32, and NaN where the wire has null."""
    if all(one is None or isinstance(one, float) for one in labels):
        return np.array(labels, dtype=np.float32)
    return np.array(labels)
