"""Answers invocations by an artifact: decode each, run all at once, encode each. One that does not fit spoils no other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.service.endpoints.worker.content_types import Described, decode, encode
from naiad.service.endpoints.worker.inference import Answer, Engine, Invocation, Unfit
from naiad.service.endpoints.worker.input_schema import Numbers, Schema


def described(values: Mapping[str, Any]) -> Described:
    """From naiad.json."""
    return Described(values["task"], tuple(values["classes"]), values["target_name"])


@dataclass
class ArtifactHandler:
    """``most_samples``: given to the engine at once, and invocations taken at once."""

    engine: Engine
    schema: Schema
    meaning: Described
    most_samples: int

    def answer(self, invocations: Sequence[Invocation]) -> list[Answer]:
        decoded = [self._decoded(one) for one in invocations]
        fit = [one for one in decoded if not isinstance(one, Answer)]
        scores = iter(self._scores_of_all(fit))
        return [
            one if isinstance(one, Answer) else self._encoded(next(scores), invocation)
            for one, invocation in zip(decoded, invocations, strict=True)
        ]

    def _decoded(self, invocation: Invocation) -> Numbers | Answer:
        try:
            return decode(invocation, self.schema)
        except Unfit as error:
            return _refused(error.status, str(error))

    def _encoded(self, scores: npt.NDArray[np.float32] | Answer, invocation: Invocation) -> Answer:
        if isinstance(scores, Answer):
            return scores
        try:
            body, content_type = encode(scores, self.meaning, invocation.accept)
        except Unfit as error:
            return _refused(error.status, str(error))
        return Answer(200, body, content_type)

    def _scores_of_all(self, inputs: list[Numbers]) -> Iterator[npt.NDArray[np.float32] | Answer]:
        """For each its scores. What fails together is tried one by one."""
        if len(inputs) == 1:
            yield self._scores(inputs[0])
            return
        if not inputs:
            return
        together = self._scores(np.concatenate(inputs))
        if isinstance(together, Answer):
            yield from (self._scores(one) for one in inputs)
            return
        at = 0
        for one in inputs:
            yield together[at : at + len(one)]
            at += len(one)

    def _scores(self, raw: Numbers) -> npt.NDArray[np.float32] | Answer:
        try:
            if len(raw) <= self.most_samples:
                return self.engine.run(raw)
            parts = [raw[at : at + self.most_samples] for at in range(0, len(raw), self.most_samples)]
            return np.concatenate([self.engine.run(part) for part in parts])
        except Exception as error:  # noqa: BLE001  # reason: a library may raise anything, and the replica goes on
            return _refused(424, f"{type(error).__name__}: {error}"[:1024])


def _refused(status: int, message: str) -> Answer:
    return Answer(status, message.encode("utf-8", "replace"), "text/plain")
