"""The end of a run: the trained model is tested, compared with a baseline, saved and reported."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from naiad.errors import NaiadError, describe_error
from naiad.trainer.artifact.folder import add_files
from naiad.trainer.artifact.program import BlendHead, Program, RescaleHead, SoftmaxHead
from naiad.trainer.artifact.writing import translate_errors
from naiad.trainer.data.cleaning.quarantine import write_quarantine
from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.loop.progress import Progress
from naiad.trainer.loop.task_strategy import evaluate_split
from naiad.trainer.machine.device_transfer import to_cpu
from naiad.trainer.model import calibration
from naiad.trainer.model.baseline import compute_baseline, find_better_method
from naiad.trainer.model.evaluate import Evaluation, metric_weights, score_classification
from naiad.trainer.model.metric_check import correct_metrics
from naiad.trainer.model.model import Model
from naiad.trainer.model.trivial_guard import fit_class_weight, fit_shrinkage
from naiad.trainer.nets.table import TableEnsemble
from naiad.trainer.plan.plan import PLAN_FILE
from naiad.trainer.report import write_report
from naiad.trainer.run_folder import RunFolder


def finish(
    model: Model,
    dataset: Dataset,
    folder: RunFolder,
    *,
    validation: Evaluation | None,
    with_report: bool,
    progress: Progress,
) -> None:
    """Fills in the model's evaluations and baseline, and writes its files where there is a folder. Raises DiskFull, FolderError.

    The network is tested on the device on which it was trained, and then moved to the CPU.
    validation: the evaluation of the model on the validation split, where it is known already.
    """
    evaluations = _check_metrics(model, dataset, _evaluate_splits(model, dataset, validation), progress)
    to_cpu(model.program)
    model.evaluations = {name: evaluation.to_json() for name, evaluation in evaluations.items()}
    if folder.path is None:
        return
    if with_report:
        with _note_failures("the baseline cannot be computed", progress):
            model.baseline = _compare(model, dataset, progress)
    with translate_errors(folder.path):
        if dataset.findings.quarantine:
            write_quarantine(dataset.findings, folder.path / "quarantine.csv")
        model.save(folder.path)
        model.plan.write(folder.path)
    add_files(folder.path, [PLAN_FILE])
    for name, reason in model.missing.items():
        progress.note(f"the artifact has no {name}: {reason}")
    if with_report:
        evaluation = evaluations.get("test", evaluations.get("validation"))
        with _note_failures("the report cannot be made", progress):
            write_report(folder.path, model, dataset, evaluation=evaluation)
            add_files(folder.path, ["report.html", "report"])


def _compare(model: Model, dataset: Dataset, progress: Progress) -> dict[str, Any]:
    """Returns the baseline, with a sentence where one of its methods is the better choice."""
    baseline = compute_baseline(dataset, seed=model.plan.seed)
    validation = model.evaluations.get("validation")
    better = find_better_method(baseline, validation) if validation is not None else None
    if better is not None:
        progress.note(better)
    return {**baseline, "better_method": better}


@contextmanager
def _note_failures(sentence: str, progress: Progress) -> Iterator[None]:
    """Turns an error of the block into a note: a trained model is not lost for a picture. Raises DiskFull, FolderError."""
    try:
        yield
    except NaiadError:
        raise
    except Exception as error:  # noqa: BLE001  # reason: the libraries that draw and compare raise whatever they like
        progress.note(f"{sentence}: {describe_error(error)}")


def _evaluate_splits(model: Model, dataset: Dataset, validation: Evaluation | None) -> dict[str, Evaluation]:
    """Evaluates the validation split first: a classifier's temperature is found on it, when the plan says so."""
    evaluations = {}
    if dataset.validation:
        evaluation = validation or evaluate_split(model.program, dataset, dataset.validation)
        if model.plan.calibrate == "on":
            evaluation = _guard(model, dataset, _calibrate(model.program, dataset, evaluation))
        evaluations["validation"] = evaluation
    if dataset.test:
        evaluations["test"] = evaluate_split(model.program, dataset, dataset.test)
    return evaluations


def _check_metrics(
    model: Model, dataset: Dataset, evaluations: dict[str, Evaluation], progress: Progress
) -> dict[str, Evaluation]:
    """Replaces metrics that are better than scikit-learn's on what the model predicts, and says so."""
    checked = {}
    for name, evaluation in evaluations.items():
        split = dataset.test if name == "test" else dataset.validation
        checked[name] = evaluation
        if split is None or split.targets is None:
            continue
        targets = split.targets.numpy()
        targets = np.asarray(dataset.classes)[targets] if dataset.task is Task.CLASSIFICATION else targets
        labels = model.labels_of(evaluation.scores.reshape(len(split), -1))
        weights = metric_weights(split.weights)
        checked[name], corrected = correct_metrics(
            evaluation, labels, targets, None if weights is None else weights.numpy()
        )
        if corrected:
            progress.note(
                f"{', '.join(corrected)} on {name} is scikit-learn's on the predictions: Naiad's own was better by mistake"
            )
    return checked


def _guard(model: Model, dataset: Dataset, evaluation: Evaluation) -> Evaluation:
    """Has a network for tables do no worse than the trivial model on the validation split, and returns the evaluation then."""
    program, targets = model.program, dataset.validation.targets
    if not isinstance(program, Program) or not isinstance(program.net, TableEnsemble) or targets is None:
        return evaluation
    scores, head = torch.from_numpy(evaluation.scores), program.head
    weights = metric_weights(dataset.validation.weights)
    if isinstance(head, BlendHead):
        factor = fit_class_weight(scores, targets, head.prior.cpu(), weights)
        head.weight.fill_(factor)
    elif isinstance(head, RescaleHead):
        factor = fit_shrinkage(scores, targets, float(head.mean), weights)
        head.std.mul_(factor)
    else:
        return evaluation
    return evaluation if factor == 1 else evaluate_split(program, dataset, dataset.validation)


def _calibrate(program: nn.Module, dataset: Dataset, evaluation: Evaluation) -> Evaluation:
    """Sets the temperature of a classifier's head, and returns the evaluation with it; that of other tasks as it is."""
    targets = dataset.validation.targets
    if not isinstance(program, Program) or not isinstance(program.head, SoftmaxHead):
        return evaluation
    if targets is None or len(targets) < calibration.MIN_SAMPLES:
        return evaluation
    scores = torch.from_numpy(evaluation.scores)
    weights = metric_weights(dataset.validation.weights)
    temperature = calibration.fit_temperature(scores, targets, weights)
    program.head.temperature.fill_(temperature)
    calibrated = calibration.apply_temperature(scores, temperature)
    return score_classification(calibrated, targets, dataset.classes, weights)
