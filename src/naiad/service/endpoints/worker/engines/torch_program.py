"""torch, which runs an artifact's program.pt2: the reference, and the engine that is always available."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from naiad.service.endpoints.worker.artifact import PROGRAM, ServedArtifact
from naiad.service.endpoints.worker.engines.port import Scores
from naiad.trainer.artifact.export import load_program
from naiad.trainer.artifact.program import to_scores
from naiad.trainer.machine.thread_waiting import keep_adapting


class TorchEngine:
    name = "torch"

    def __init__(self, artifact: ServedArtifact, *, threads: int = 1) -> None:
        torch.set_num_threads(threads)
        if threads > 1:
            keep_adapting()
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._program = load_program(artifact.path(PROGRAM)).to(self._device)

    def run(self, raw: npt.NDArray[Any]) -> Scores:
        with torch.inference_mode():
            scores = self._program(torch.from_numpy(np.ascontiguousarray(raw)).to(self._device))
        array: Scores = to_scores(scores).cpu().numpy()
        return array.reshape(len(raw), -1)
