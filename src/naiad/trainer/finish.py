"""What happens to a trained model at a run's end: tested, compared with a baseline, saved, reported."""

import torch

from naiad.trainer import load
from naiad.trainer.artifact.program import Program, SoftmaxHead
from naiad.trainer.data.cleaning.quarantine import write_quarantine
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.loop.progress import Progress
from naiad.trainer.loop.task_strategy import evaluate_split
from naiad.trainer.machine.device_transfer import to_cpu
from naiad.trainer.model import calibration
from naiad.trainer.model.baseline import compute_baseline
from naiad.trainer.model.evaluate import Evaluation, classification
from naiad.trainer.model.model import Model
from naiad.trainer.plan.plan import PLAN_FILE
from naiad.trainer.report import write_report
from naiad.trainer.run_folder import RunFolder


def finish(
    model: Model,
    dataset: Dataset,
    folder: RunFolder,
    *,
    validated: Evaluation | None,
    with_report: bool,
    progress: Progress,
) -> None:
    """Fills in the model's evaluations and baseline; writes into ``folder`` when it is one. Raises DiskFull, FolderError.

    The network is tested where and as it was trained, and then brought back to the CPU.
    validated: the evaluation on the validation split, where it is known already.
    """
    evaluations = _evaluations(model, dataset, validated)
    to_cpu(model.program)
    model.evaluations = {name: evaluation.to_json() for name, evaluation in evaluations.items()}
    if folder.path is None:
        return
    if with_report:
        model.baseline = compute_baseline(dataset, seed=model.plan.seed)
    if dataset.findings.quarantine:
        write_quarantine(dataset.findings, folder.path / "quarantine.csv")
    model.save(folder.path)
    model.plan.write(folder.path)
    load.add_files(folder.path, [PLAN_FILE])
    for name, reason in model.missing.items():
        progress.note(f"the artifact has no {name}: {reason}")
    if with_report:
        shown = evaluations.get("test", evaluations.get("validation"))
        write_report(folder.path, model, dataset, evaluation=shown)
        load.add_files(folder.path, ["report.html", "report"])


def _evaluations(model: Model, dataset: Dataset, validated: Evaluation | None) -> dict[str, Evaluation]:
    """The validation split first: a classifier's head gets its temperature from it, when the plan says so."""
    found = {}
    if dataset.validation:
        found["validation"] = validated or evaluate_split(model.program, dataset, dataset.validation)
        if model.plan.calibrate == "on":
            found["validation"] = _calibrated(model, dataset, found["validation"])
    if dataset.test:
        found["test"] = evaluate_split(model.program, dataset, dataset.test)
    return found


def _calibrated(model: Model, dataset: Dataset, evaluation: Evaluation) -> Evaluation:
    """The evaluation as the head gives it afterwards."""
    targets = dataset.validation.targets
    assert isinstance(model.program, Program)  # reason: a model that was just trained
    head = model.program.head
    if not isinstance(head, SoftmaxHead) or targets is None or len(targets) < calibration.MIN_SAMPLES:
        return evaluation
    scores = torch.from_numpy(evaluation.scores)
    temperature = calibration.fit_temperature(scores, targets)
    head.temperature.fill_(temperature)
    return classification(calibration.apply_temperature(scores, temperature), targets, dataset.classes)
