"""``naiad predict``: predicts for files with a trained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import naiad
from naiad.cli import options
from naiad.cli.output import print_cells, print_json
from naiad.errors import DataError, OptionError

if TYPE_CHECKING:
    from naiad.trainer.model.model import Model, Predictions

_TABLE_SUFFIXES = {".csv", ".tsv", ".parquet", ".pq"}


def predict(
    artifact: options.ArtifactArgument,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Images, or one table (CSV, TSV, Parquet).", show_default=False),
    ],
    trust: options.TrustOption = False,
    as_json: options.JsonOption = False,
) -> None:
    """Predict for images or for the rows of a table.

    Prints a line for each sample: name, label and score, separated by tabs.
    """
    _check_files(files)
    rows = _predict_files(naiad.load(artifact, trust=trust), files)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        score = max(row["scores"].values(), default=None)
        print_cells([row["name"], str(row["label"]), *([] if score is None else [f"{score:.4f}"])])


def _check_files(files: list[Path]) -> None:
    for file in files:
        if not file.exists():
            raise DataError(f"{file} does not exist", hint="give files that exist")
        if file.is_dir():
            raise DataError(f"{file} is a folder", hint=f"give its files: {file}/*")
    if len(files) > 1 and any(file.suffix.lower() in _TABLE_SUFFIXES for file in files):
        raise OptionError(f"a table is predicted alone, given {len(files)} files", hint="predict one table at a time")


def _predict_files(model: "Model", files: list[Path]) -> list[dict[str, Any]]:
    if files[0].suffix.lower() not in _TABLE_SUFFIXES:
        return _prediction_rows(model, list(map(str, files)), model.predict(files))
    from naiad.trainer.data.sources.table import read_table

    table = read_table(files[0])
    names = [f"row {row}" for row in range(table.num_rows)]
    return _prediction_rows(model, names, model.predict(table))


def _prediction_rows(model: "Model", names: list[str], predictions: "Predictions") -> list[dict[str, Any]]:
    """Returns a row for each sample. ``scores`` is by class or cluster, and empty for a regression, whose label is its value."""
    samples = zip(names, predictions.labels.tolist(), predictions.scores.tolist(), strict=True)
    return [
        {"name": name, "label": label, "scores": _scores_by_class(model, scores)} for name, label, scores in samples
    ]


def _scores_by_class(model: "Model", scores: list[float]) -> dict[str, float]:
    if model.task == "regression":
        return {}
    return dict(zip(model.classes or map(str, range(len(scores))), scores, strict=True))
