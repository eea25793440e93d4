"""A trained model, as ``fit`` and ``load`` return it.

Knows its program, its input schema and its classes; knows nothing of training.
"""

from dataclasses import asdict, dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from naiad.deploy_hook import run_deploy_hook
from naiad.errors import ArtifactError, DataError, FolderError, OptionError, describe_value, explain_errors
from naiad.trainer.artifact import files
from naiad.trainer.artifact import folder as artifact_folder
from naiad.trainer.artifact.program import Program, to_scores
from naiad.trainer.artifact.user_path import read_folder_path
from naiad.trainer.data.cleaning.image_tables import image_paths_of
from naiad.trainer.data.dataset import InputSchema, Task
from naiad.trainer.data.features.image import ImageSchema
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.model_signature import ModelSignature, prepare_split
from naiad.trainer.data.sources.open import default_memory_limit_bytes
from naiad.trainer.data.sources.prediction_items import is_item_source, read_inputs
from naiad.trainer.data.sources.table import is_tabular
from naiad.trainer.machine import versions
from naiad.trainer.model.evaluate import Evaluation, evaluate
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.plan.plan import Plan


@dataclass(frozen=True)
class Predictions:
    """Predictions for N samples."""

    labels: npt.NDArray[Any]
    """(N,): class names, values, or cluster numbers."""
    scores: npt.NDArray[np.float32 | np.float64]
    """(N, K) probabilities; (N, 1) values for regression, in float64 where float32 loses the targets' differences."""


@dataclass(frozen=True)
class EpochRecord:
    """The results of one epoch: a line of metrics.jsonl."""

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
    """Evaluation.to_json() of the splits ``validation`` and ``test``, as far as there are any."""
    baseline: dict[str, Any] = field(default_factory=dict)
    samples: Tensor | None = None
    """Up to 16 raw samples (N, *sample_shape), which the artifact keeps with the program's scores for them."""
    path: Path | None = None
    """The folder that it was saved to or loaded from."""
    missing: dict[str, str] = field(default_factory=dict)
    """Files that the artifact lacks, each with the reason why it could not be exported. Set by ``save``."""

    @explain_errors(DataError, "the input cannot be predicted")
    def predict(self, inputs: Any, *, batch_size: int = 512) -> Predictions:
        """Predictions for raw input: arrays, tensors, PIL images, paths, table rows, or the items of a Dataset or DataLoader.

        Items may have labels, which are not used. Raises DataError when the input does not fit.
        """
        _check_batch_size(batch_size)
        if is_item_source(inputs):
            limit_bytes = default_memory_limit_bytes()
            inputs = read_inputs(inputs, label=self.target_name, memory_limit_bytes=limit_bytes)
        if isinstance(self.schema, ImageSchema) and is_tabular(inputs):
            inputs = image_paths_of(inputs)
        raw = self.schema.encode(inputs)
        if not len(raw):
            raise DataError("there is nothing to predict: the input is empty", hint="give at least one sample")
        scores = _compute_scores(self.program, raw, batch_size)
        return Predictions(self.labels_of(scores), scores)

    @explain_errors(DataError, "the model cannot be evaluated on the data")
    def evaluate(self, data: Any, *, split: str = "test", batch_size: int = 512) -> Evaluation:
        """Evaluates the model on the ``split`` of ``data``, or on all of it where it has no splits. Raises DataError."""
        _check_batch_size(batch_size)
        if not isinstance(split, str):
            raise OptionError(f"split is a name, given {describe_value(split)}", hint="give train, validation or test")
        signature = ModelSignature(self.task, self.schema, self.classes, self.target_name)
        prepared, _ = prepare_split(data, signature, split=split)
        return evaluate(self.program, prepared, task=self.task, classes=self.classes, batch_size=batch_size)

    @explain_errors(ArtifactError, "the model cannot be saved")
    def save(self, folder: str | Path) -> Path:
        """Writes the artifact and returns its folder. An artifact that is there already stays until the new one is complete.

        Raises FolderError, DiskFull.
        """
        path = read_folder_path(folder, name="save", error=FolderError)
        if isinstance(self.program, Program):
            self._write_artifact(path, self.program)
        else:
            self._copy_artifact(path)
        self.path = path
        return path

    def deploy(self, name: str, **options: Any) -> Any:
        """Deploys the model as an endpoint: ``naiad.connect().deploy(self, name, **options)``. The model must be saved.

        Raises ArtifactError when it is not saved, and the errors of ``Connection.deploy``.
        """
        return run_deploy_hook(self, name, **options)

    def labels_of(self, scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns (N,): what ``predict`` says of samples with these scores (N, K), or (N, 1) for a regression."""
        if self.task is Task.REGRESSION:
            return scores[:, 0].astype(np.float64)  # scikit-learn would compute metrics of float32 values in float32
        indices: npt.NDArray[np.int64] = scores.argmax(axis=1)
        return np.asarray(self.classes)[indices] if self.task is Task.CLASSIFICATION else indices

    def _write_artifact(self, path: Path, program: Program) -> None:
        example = self.samples if self.samples is not None and len(self.samples) else self._blank_samples()
        with artifact_folder.replace_artifact(path) as partial:
            self.missing = files.write_files(
                partial, program, samples=self.samples, example=example, source=self.network.source
            )
            artifact_folder.commit(path, self._description(), is_own=True)

    def _copy_artifact(self, path: Path) -> None:
        """Copies the artifact that the model was loaded from: an exported program cannot be exported again."""
        if self.path is None or not self.path.is_dir():
            raise ArtifactError(
                f"the artifact that this model was loaded from is gone: {self.path}",
                hint="load it from where it is now, then save",
            )
        source = artifact_folder.open_artifact_folder(self.path)
        if path.exists() and path.samefile(self.path):
            return
        with artifact_folder.replace_artifact(path) as partial:
            artifact_folder.copy_files(source, partial)
            artifact_folder.commit(path, source.values, is_own=source.is_signed_here)

    def _blank_samples(self) -> Tensor:
        return torch.zeros((2, *self.schema.sample_shape), dtype=self.schema.dtype)

    def _description(self) -> dict[str, Any]:
        """The content of naiad.json, but for its format and files; ``load`` reads it."""
        return {
            "created_at": versions.utc_timestamp(),
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
            "versions": versions.library_versions(),
            "missing": self.missing,
        }


def _check_batch_size(batch_size: int) -> None:
    if isinstance(batch_size, bool) or not isinstance(batch_size, Integral) or batch_size < 1:
        raise OptionError(f"batch_size must be a whole number of at least 1, given {describe_value(batch_size)}")


@torch.inference_mode()
def _compute_scores(program: nn.Module, raw: Tensor, batch_size: int) -> npt.NDArray[np.float32 | np.float64]:
    """(N, K); a program that gives (N,) values gives (N, 1)."""
    if program.training:
        program.eval()
    scores = to_scores(torch.cat([program(batch) for batch in torch.split(raw, batch_size)]))
    array: npt.NDArray[np.float32 | np.float64] = scores.reshape(len(raw), -1).numpy()
    return array
