"""What happens to a trained model at a run's end: tested, compared with a baseline, saved, reported."""

from naiad.trainer import artifact
from naiad.trainer.baseline import baseline
from naiad.trainer.data.cleaning.quarantine import write_quarantine
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.evaluate import Evaluation
from naiad.trainer.model import Model
from naiad.trainer.progress import Progress
from naiad.trainer.recipe import evaluate_split
from naiad.trainer.report import write_report
from naiad.trainer.run_folder import RunFolder


def finish(model: Model, dataset: Dataset, folder: RunFolder, *, with_report: bool, progress: Progress) -> None:
    """Fills in the model's evaluations and baseline; writes into ``folder`` when it is one. Raises DiskFull, FolderError."""
    evaluations = _evaluations(model, dataset)
    model.evaluations = {name: evaluation.to_json() for name, evaluation in evaluations.items()}
    if with_report:
        model.baseline = baseline(dataset, seed=model.plan.seed)
    if folder.path is None:
        return
    if dataset.findings.quarantine:
        write_quarantine(dataset.findings, folder.path / "quarantine.csv")
    model.save(folder.path)
    for name, reason in model.missing.items():
        progress.note(f"the artifact has no {name}: {reason}")
    if with_report:
        shown = evaluations.get("test", evaluations.get("validation"))
        write_report(folder.path, model, dataset, evaluation=shown)
        artifact.add_files(folder.path, ["report.html", "report"])


def _evaluations(model: Model, dataset: Dataset) -> dict[str, Evaluation]:
    splits = {"validation": dataset.validation, "test": dataset.test}
    return {name: evaluate_split(model.program, dataset, split) for name, split in splits.items() if split}
