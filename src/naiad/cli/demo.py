"""``naiad demo``: a network from first step to prediction, on real images."""

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import naiad
from naiad.cli import options
from naiad.cli.output import give, give_json, give_table, tell
from naiad.cli.train import give_summary, summary
from naiad.errors import FolderError

if TYPE_CHECKING:
    from naiad.trainer.model.model import Model

_DATA = "fashion-mnist"
_MARKS = ("run.json", "naiad.json", "checkpoints")
"""A folder that has one of these was written by a run."""
_SHOWN = 8


def demo(
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training split.")] = 5,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the run goes; an earlier run there is replaced.")
    ] = Path("runs/demo"),
    seed: options.Seed = 0,
    as_json: options.Json = False,
) -> None:
    """Train SimpleNet on Fashion-MNIST.

    Then test it, save it, load it back, predict a handful of test images, and say where the report is.
    """
    clear_run(out)
    started = time.perf_counter()
    naiad.fit("simplenet", _DATA, epochs=epochs, seed=seed, out=out)
    model = naiad.load(out)
    result = summary(model, out, seconds=time.perf_counter() - started)
    result["predictions"] = _handful(model)
    if as_json:
        give_json(result)
        return
    give_summary(result)
    _give_predictions(result["predictions"])
    give(f"\nopen the report: {(out / 'report.html').absolute().as_uri()}")


def clear_run(folder: Path) -> None:
    """Empties ``folder`` if a run wrote it. Raises FolderError when it holds anything else."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not any((folder / mark).exists() for mark in _MARKS):
        raise FolderError(f"{folder} exists and is no run of naiad's", hint="name another folder: --out DIR")
    tell(f"replacing the run in {folder}")
    shutil.rmtree(folder)


def _handful(model: "Model") -> list[dict[str, Any]]:
    """The first test images: what they are, and what the loaded model says."""
    from naiad.trainer.data.sources.open import open_source

    test = open_source(_DATA).only("test")
    assert test.targets is not None, "both Fashion-MNIST and what stands in for it are labelled"
    images = test.inputs[:_SHOWN]
    truth = [model.classes[int(target)] for target in test.targets[:_SHOWN]]
    predictions = model.predict(images)
    sure = predictions.scores.max(axis=1).tolist()
    told = zip(truth, predictions.labels.tolist(), sure, strict=True)
    return [
        {"image": number, "true": true, "predicted": label, "score": score}
        for number, (true, label, score) in enumerate(told)
    ]


def _give_predictions(rows: list[dict[str, Any]]) -> None:
    cells = [
        [
            f"{_DATA} test {row['image']}",
            row["true"],
            row["predicted"],
            f"{row['score']:.4f}",
            "" if row["true"] == row["predicted"] else "wrong",
        ]
        for row in rows
    ]
    give("")
    give_table(["image", "true", "predicted", "score", ""], cells)
