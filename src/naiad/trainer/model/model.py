"""A trained model: what ``fit`` returns and ``load`` brings back.

Knows its program, its input schema and its classes; knows nothing of training.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from naiad.deploy_hook import run_deploy_hook
from naiad.errors import ArtifactError, DataError, OptionError
from naiad.trainer.artifact import folder, parts
from naiad.trainer.artifact.program import Program
from naiad.trainer.data.dataset import InputSchema, Task
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.prepare import SplitLike, prepare_split
from naiad.trainer.machine import versions
from naiad.trainer.model.evaluate import Evaluation, evaluate
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.plan.plan import Plan


@dataclass(frozen=True)
class Predictions:
    """labels (N,): class names, values, or cluster numbers. scores: (N, K) probabilities; (N, 1) values for regression."""

    labels: npt.NDArray[Any]
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True)
class EpochRecord:
    """One line of metrics.jsonl: an epoch's end."""

    epoch: int
    step: int
    train_loss: float
    learning_rate: float
    seconds: float
    validation: dict[str, float]
    """``loss`` and the task's metrics on the validation split."""


@dataclass
class Model:
    program: nn.Module
    """Raw samples in, scores out (see program.py): a Program, or the exported one after ``load``."""
    task: Task
    schema: InputSchema
    classes: tuple[str, ...]
    target_name: str
    plan: Plan
    network: NetworkSource
    findings: Findings = field(default_factory=Findings)
    history: tuple[EpochRecord, ...] = ()
    evaluations: dict[str, dict[str, Any]] = field(default_factory=dict)
    """``validation`` and ``test``: Evaluation.to_json() of each split there was."""
    baseline: dict[str, Any] = field(default_factory=dict)
    samples: Tensor | None = None
    """Up to 16 raw samples (N, *sample_shape), kept in the artifact beside the program's scores for them."""
    path: Path | None = None
    """The folder that it was saved to or loaded from."""
    missing: dict[str, str] = field(default_factory=dict)
    """Files that the artifact does without, each with the reason: what torch.export or ONNX refused. Set by ``save``."""

    def predict(self, inputs: Any, *, batch_size: int = 512) -> Predictions:
        """Raw input in (arrays, tensors, PIL images, paths, table rows). Raises DataError when it does not fit the schema."""
        if batch_size < 1:
            raise OptionError(f"batch_size must be at least 1, given {batch_size}")
        raw = self.schema.encode(inputs)
        if not len(raw):
            raise DataError("there is nothing to predict: the input is empty", hint="give at least one sample")
        scores = _scores(self.program, raw, batch_size)
        return Predictions(self._labels(scores), scores)

    def evaluate(self, data: Any, *, split: str = "test", batch_size: int = 512) -> Evaluation:
        """On the ``split`` of ``data``; data without splits is taken whole. Raises DataError."""
        like = SplitLike(self.task, self.schema, self.classes, self.target_name)
        chosen = prepare_split(data, like=like, split=split)
        return evaluate(self.program, chosen, task=self.task, classes=self.classes, batch_size=batch_size)

    def save(self, folder: str | Path) -> Path:
        """Writes the artifact and returns its folder; what was there before stays until the new one is whole.

        Raises FolderError, DiskFull.
        """
        path = Path(folder).expanduser()
        if isinstance(self.program, Program):
            self._write(path, self.program)
        else:
            self._copy(path)
        self.path = path
        return path

    def deploy(self, name: str, **options: Any) -> Any:
        """``naiad.connect().deploy(self, name, **options)``: an endpoint on the server that is found. The model must be saved.

        Raises ArtifactError when it is not, and what ``Connection.deploy`` raises.
        """
        return run_deploy_hook(self, name, **options)

    def _labels(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        if self.task is Task.REGRESSION:
            return scores[:, 0]
        nearest: npt.NDArray[np.int64] = scores.argmax(axis=1)
        return np.asarray(self.classes)[nearest] if self.task is Task.CLASSIFICATION else nearest

    def _write(self, path: Path, program: Program) -> None:
        example = self.samples if self.samples is not None and len(self.samples) else self._blank()
        with folder.replacing(path) as partial:
            self.missing = parts.write_parts(
                partial, program, samples=self.samples, example=example, source=self.network.source
            )
            folder.commit(path, self._described())

    def _copy(self, path: Path) -> None:
        """Of a model that was loaded as an exported program: its artifact is all there is to write."""
        if self.path is None or not self.path.is_dir():
            raise ArtifactError(
                f"the artifact that this model was loaded from is gone: {self.path}",
                hint="load it from where it is now, then save",
            )
        opened = folder.open_folder(self.path)
        if path.exists() and path.samefile(self.path):
            return
        with folder.replacing(path) as partial:
            folder.copy_files(opened, partial)
            folder.commit(path, opened.values)

    def _blank(self) -> Tensor:
        return torch.zeros((2, *self.schema.sample_shape), dtype=self.schema.dtype)

    def _described(self) -> dict[str, Any]:
        """What naiad.json says of the model; ``artifact.load`` reads it."""
        return {
            "created_at": versions.now_utc(),
            "name": self.network.name,
            "task": self.task.value,
            "input": self.schema.to_json(),
            "classes": list(self.classes),
            "target_name": self.target_name,
            "plan": self.plan.to_json(),
            "network": {
                "name": self.network.name,
                "registered": self.network.registered,
                "arguments": self.network.arguments,
            },
            "findings": self.findings.to_json(),
            "history": [asdict(record) for record in self.history],
            "evaluations": self.evaluations,
            "baseline": self.baseline,
            "versions": versions.libraries(),
            "missing": self.missing,
        }


@torch.inference_mode()
def _scores(program: nn.Module, raw: Tensor, batch_size: int) -> npt.NDArray[np.float32]:
    """(N, K); a program that gives (N,) values gives (N, 1)."""
    if program.training:
        program.eval()
    scores = torch.cat([program(batch) for batch in torch.split(raw, batch_size)]).float()
    array: npt.NDArray[np.float32] = scores.reshape(len(raw), -1).numpy()
    return array
