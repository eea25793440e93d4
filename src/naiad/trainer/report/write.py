"""Puts a report together and writes it: figures and pictures first, the page that holds them last."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from naiad import durable
from naiad.trainer.artifact.manifest import ensure_folder, saving
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.model.evaluate import Evaluation
from naiad.trainer.model.model import Model
from naiad.trainer.report import contents, drawings
from naiad.trainer.report.drawings import Drawing, Gallery

PAGE = "report.html"
FIGURES = "report"
_TEMPLATE = "report.html.jinja"

_Item = TypeVar("_Item", Drawing, Gallery)


def write_report(
    folder: Path, model: Model, dataset: Dataset | None, *, evaluation: Evaluation | None, now: datetime | None = None
) -> Path:
    """Writes ``report.html`` and ``report/*.png`` into ``folder`` and returns the page's path.

    Without ``evaluation`` the model's own are shown, without ``dataset`` no samples and no mistakes.
    now: the date that the page bears, with its time zone; None is the present. Raises FolderError, DiskFull.
    """
    shown = evaluation.to_json() if evaluation is not None else _last_evaluation(model)
    part = drawings.tested(dataset, evaluation)
    curves = list(drawings.curves(model))
    confusion = drawings.confusion(shown)
    outcomes = [*drawings.regression(part), *drawings.clusters(part, model)] if part is not None else []
    mistakes = drawings.mistakes(part) if part is not None else None
    samples = drawings.samples(dataset) if dataset is not None else None
    page = _render(
        model=model,
        dataset=dataset,
        shown=shown,
        split=_split_name(model, dataset, shown),
        date=(now if now is not None else datetime.now(UTC)).astimezone(UTC),
        curves=curves,
        confusion=confusion,
        outcomes=outcomes,
        mistakes=mistakes,
        samples=samples,
    )
    _write(
        folder,
        page,
        [*curves, *_given(confusion), *outcomes, *(gallery.drawing() for gallery in _given(mistakes, samples))],
    )
    return folder / PAGE


def _render(*, model: Model, dataset: Dataset | None, shown: dict[str, Any], **parts: Any) -> str:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["data_uri"] = drawings.data_uri
    return environment.get_template(_TEMPLATE).render(
        network=model.network.name,
        data=dataset.name if dataset is not None else None,
        task=model.task.value,
        task_reason=dataset.task_reason if dataset is not None else "",
        samples_tested=shown.get("samples", 0),
        tiles=contents.tiles(shown),
        comparison=contents.comparison(model, shown),
        class_rows=contents.class_rows(shown),
        split_rows=contents.split_rows(dataset) if dataset is not None else [],
        column_rows=contents.column_rows(dataset) if dataset is not None else [],
        finding_rows=contents.finding_rows(model.findings),
        left_out=len(model.findings.quarantine),
        plan_rows=model.plan.rows(),
        forecast=contents.forecast(model),
        layer_rows=contents.layer_rows(model.program),
        parameters=contents.parameter_count(contents.network(model.program)),
        version_rows=contents.version_rows(),
        **parts,
    )


def _last_evaluation(model: Model) -> dict[str, Any]:
    return next((model.evaluations[name] for name in ("test", "validation") if name in model.evaluations), {})


def _split_name(model: Model, dataset: Dataset | None, shown: dict[str, Any]) -> str:
    if dataset is not None:
        return "test" if dataset.test else "validation"
    named = [name for name in ("test", "validation") if model.evaluations.get(name) == shown]
    return named[0] if named else "test"


def _write(folder: Path, page: str, files: Iterable[Drawing]) -> None:
    """Each file whole or not at all, the page last: a page that is there is complete."""
    ensure_folder(folder / FIGURES)
    with saving(folder / f".partial-{PAGE}"):
        for drawing in files:
            durable.write_file(folder / FIGURES / f"{drawing.name}.png", drawing.png)
        durable.write_file(folder / PAGE, page.encode("utf-8"))


def _given(*items: _Item | None) -> list[_Item]:
    return [item for item in items if item is not None]
