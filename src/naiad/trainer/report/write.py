"""Makes a report and writes it: figures and pictures first, then the page that holds them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from naiad import durable
from naiad.trainer.artifact.writing import ensure_writable, translate_errors
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.model.evaluate import Evaluation
from naiad.trainer.model.model import Model
from naiad.trainer.report import contents, figures
from naiad.trainer.report.figures import Gallery, ReportFigure

PAGE = "report.html"
FIGURES = "report"
_TEMPLATE = "report.html.jinja"


@dataclass(frozen=True)
class _Pictures:
    """All figures and galleries of a report."""

    curves: list[ReportFigure]
    confusion: ReportFigure | None
    outcomes: list[ReportFigure]
    mistakes: Gallery | None
    samples: Gallery | None

    def figures(self) -> list[ReportFigure]:
        galleries = [gallery.figure() for gallery in (self.mistakes, self.samples) if gallery is not None]
        confusion = [self.confusion] if self.confusion is not None else []
        return [*self.curves, *confusion, *self.outcomes, *galleries]


def write_report(
    folder: Path, model: Model, dataset: Dataset | None, *, evaluation: Evaluation | None, now: datetime | None = None
) -> Path:
    """Writes ``report.html`` and ``report/*.png`` into ``folder`` and returns the page's path.

    Without ``evaluation`` the report shows the model's own, without ``dataset`` no samples and no mistakes.
    now: the date of the page, with its time zone; None is the present. Raises FolderError, DiskFull.
    """
    results = evaluation.to_json() if evaluation is not None else _last_evaluation(model)
    pictures = _draw_pictures(model, dataset, evaluation, results)
    date = (now if now is not None else datetime.now(UTC)).astimezone(UTC)
    page = _render_page(model, dataset, results, pictures, date=date)
    _write_files(folder, page, pictures.figures())
    return folder / PAGE


def _draw_pictures(
    model: Model, dataset: Dataset | None, evaluation: Evaluation | None, results: dict[str, Any]
) -> _Pictures:
    scored = figures.scored_split(dataset, evaluation)
    outcomes = [*figures.regression(scored), *figures.clusters(scored, model)] if scored is not None else []
    return _Pictures(
        curves=list(figures.curves(model)),
        confusion=figures.confusion(results),
        outcomes=outcomes,
        mistakes=figures.mistakes(scored) if scored is not None else None,
        samples=figures.samples(dataset) if dataset is not None else None,
    )


def _render_page(
    model: Model, dataset: Dataset | None, results: dict[str, Any], pictures: _Pictures, *, date: datetime
) -> str:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["data_uri"] = figures.data_uri
    return environment.get_template(_TEMPLATE).render(
        network=model.network.name,
        data=dataset.name if dataset is not None else None,
        task=model.task.value,
        task_reason=dataset.task_reason if dataset is not None else "",
        tested_samples=results.get("samples", 0),
        split=_split_name(model, dataset, results),
        date=date,
        metric_cards=contents.metric_cards(results),
        comparison_rows=contents.comparison_rows(model, results),
        better_method=model.baseline.get("better_method"),
        class_rows=contents.class_rows(results),
        split_rows=contents.split_rows(dataset) if dataset is not None else [],
        column_rows=contents.column_rows(dataset) if dataset is not None else [],
        finding_rows=contents.finding_rows(model.findings),
        quarantined=len(model.findings.quarantine),
        plan_rows=model.plan.rows(),
        layer_rows=contents.layer_rows(model.program),
        parameters=contents.parameter_count(contents.network(model.program)),
        version_rows=contents.version_rows(),
        pictures=pictures,
    )


def _last_evaluation(model: Model) -> dict[str, Any]:
    return next((model.evaluations[name] for name in ("test", "validation") if name in model.evaluations), {})


def _split_name(model: Model, dataset: Dataset | None, results: dict[str, Any]) -> str:
    if dataset is not None:
        return "test" if dataset.test else "validation"
    names = [name for name in ("test", "validation") if model.evaluations.get(name) == results]
    return names[0] if names else "test"


def _write_files(folder: Path, page: str, pictures: Iterable[ReportFigure]) -> None:
    """Writes each file whole or not at all, and the page last: where there is a page, its files are complete."""
    ensure_writable(folder / FIGURES)
    with translate_errors(folder):
        for picture in pictures:
            durable.write_file(folder / FIGURES / f"{picture.name}.png", picture.png)
        durable.write_file(folder / PAGE, page.encode(errors="backslashreplace"))
