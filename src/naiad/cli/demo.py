"""``naiad demo``: takes a network from its first step to a prediction, on real images."""

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import naiad
from naiad.cli import options
from naiad.cli.output import print_json, print_line, print_message, print_table
from naiad.cli.train import print_summary, summarize
from naiad.errors import FolderError
from naiad.trainer.option_text import parse_duration_s

if TYPE_CHECKING:
    from naiad.trainer.model.model import Model

_DATA = "fashion-mnist"
_RUN_FILES = ("run.json", "naiad.json", "checkpoints")
"""A folder that has one of these was written by a run."""
_PREDICTIONS = 8


def demo(
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the training split, in place of the limit.")
    ] = None,
    time_limit: Annotated[str, typer.Option(metavar="60s|5m", help="Time for training and testing.")] = "10s",
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The run's folder; an earlier run in it is replaced.")
    ] = Path("runs/demo"),
    seed: options.SeedOption = 0,
    as_json: options.JsonOption = False,
) -> None:
    """Train SimpleNet on Fashion-MNIST for ten seconds, or on digits where that cannot be downloaded.

    Then test it, save it, load it back, predict a few test images, and show where the report is.
    """
    clear_run(out)
    started = time.perf_counter()
    limit_s = parse_duration_s(time_limit) if epochs is None else None
    naiad.fit("simplenet", _DATA, epochs=epochs, time_limit_s=limit_s, seed=seed, out=out)
    model = naiad.load(out)
    summary = summarize(model, out, seconds=time.perf_counter() - started)
    summary["data"], summary["predictions"] = _predict_test_images(model)
    if as_json:
        print_json(summary)
        return
    print_line(f"{'data':<11}{summary['data']}")
    print_summary(summary)
    _print_predictions(summary["predictions"])
    print_line("")
    print_line(f"open the report: {(out / 'report.html').absolute().as_uri()}")


def clear_run(folder: Path) -> None:
    """Deletes ``folder`` if a run wrote it. Raises FolderError when it holds anything else, or a run is writing into it."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not any((folder / name).exists() for name in _RUN_FILES):
        raise FolderError(f"{folder} exists and is no run of naiad's", hint="name another folder: --out DIR")
    from naiad.trainer.machine.folder_lock import lock_folder, unlock_folder

    lock_folder(folder)
    try:
        print_message(f"replacing the run in {folder}")
        shutil.rmtree(folder)
    finally:
        unlock_folder(folder)


def _predict_test_images(model: "Model") -> tuple[str, list[dict[str, Any]]]:
    """Returns the name of the data, and for the first test images their label and the model's prediction."""
    import numpy as np

    from naiad.trainer.data.sources.open import open_source

    raw = open_source(_DATA)
    test = raw.get_split("test")
    labels = np.asarray(test.targets)[:_PREDICTIONS]
    predictions = model.predict(test.inputs[:_PREDICTIONS])
    rows = zip(labels, predictions.labels.tolist(), predictions.scores.max(axis=1).tolist(), strict=True)
    return raw.name, [
        {"image": number, "true": model.classes[int(label)], "predicted": predicted, "score": score}
        for number, (label, predicted, score) in enumerate(rows)
    ]


def _print_predictions(rows: list[dict[str, Any]]) -> None:
    cells = [
        [
            f"test {row['image']}",
            row["true"],
            row["predicted"],
            f"{row['score']:.4f}",
            "" if row["true"] == row["predicted"] else "wrong",
        ]
        for row in rows
    ]
    print_line("")
    print_table(["image", "true", "predicted", "score", ""], cells)
