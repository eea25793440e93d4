"""Handler for an artifact: decodes each request, runs all in one batch, encodes each response.

A request that does not fit does no harm to the others of its batch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from naiad.service.endpoints.worker.content_types import OutputSchema, decode, encode
from naiad.service.endpoints.worker.engines.port import Engine, Scores
from naiad.service.endpoints.worker.inference import (
    InferenceError,
    InferenceRequest,
    InferenceResponse,
    error_response,
    failure_message,
)
from naiad.service.endpoints.worker.input_schema import Array, InputSchema


def read_output_schema(values: Mapping[str, Any]) -> OutputSchema:
    """Returns the meaning of the scores. values: naiad.json."""
    return OutputSchema(values["task"], tuple(values["classes"]), values["target_name"])


@dataclass
class ArtifactHandler:
    engine: Engine
    input_schema: InputSchema
    output_schema: OutputSchema
    max_batch_size: int
    """Largest number of requests in one call, and of samples in one run of the engine."""

    def handle(self, requests: Sequence[InferenceRequest]) -> list[InferenceResponse]:
        inputs = [self._decode(one) for one in requests]
        valid = [one for one in inputs if not isinstance(one, InferenceResponse)]
        scores = iter(self._run_all(valid))
        return [
            one if isinstance(one, InferenceResponse) else self._encode(next(scores), request)
            for one, request in zip(inputs, requests, strict=True)
        ]

    def _decode(self, request: InferenceRequest) -> Array | InferenceResponse:
        try:
            return decode(request, self.input_schema)
        except InferenceError as error:
            return error_response(error.status, str(error))

    def _encode(self, scores: Scores | InferenceResponse, request: InferenceRequest) -> InferenceResponse:
        if isinstance(scores, InferenceResponse):
            return scores
        try:
            body, content_type = encode(scores, self.output_schema, request.accept)
        except InferenceError as error:
            return error_response(error.status, str(error))
        return InferenceResponse(200, body, content_type)

    def _run_all(self, inputs: list[Array]) -> Iterator[Scores | InferenceResponse]:
        """Yields the scores of each input. Inputs that fail together are run one by one."""
        if len(inputs) == 1:
            yield self._run(inputs[0])
            return
        if not inputs:
            return
        scores = self._run(np.concatenate(inputs))
        if isinstance(scores, InferenceResponse):
            yield from (self._run(one) for one in inputs)
            return
        start = 0
        for one in inputs:
            yield scores[start : start + len(one)]
            start += len(one)

    def _run(self, raw: Array) -> Scores | InferenceResponse:
        size = self.max_batch_size
        try:
            if len(raw) <= size:
                return self.engine.run(raw)
            batches = [raw[start : start + size] for start in range(0, len(raw), size)]
            return np.concatenate([self.engine.run(batch) for batch in batches])
        except Exception as error:  # noqa: BLE001  # reason: a library may raise anything, and the replica goes on
            return error_response(424, failure_message(error))
