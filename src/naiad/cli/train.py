"""``naiad train``: ``naiad.fit`` from the command line."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import naiad
from naiad.cli import options
from naiad.cli.output import give, give_json
from naiad.cli.results import evaluation_line, figure
from naiad.errors import OptionError, Stopped
from naiad.trainer import arguments

if TYPE_CHECKING:
    from naiad.trainer.model.model import Model


def train(
    net: options.Net,
    data: options.Data,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training split; chosen if left out.")] = None,
    time_limit: Annotated[str | None, typer.Option(metavar="60s|5m|1h", help="Wall time from start to end.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same run; 0 if left out.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the run goes; runs/NET-DATA if left out.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    validation: Annotated[
        str | None, typer.Option(metavar="DATA", help="Validation data; split off if left out.")
    ] = None,
    label: options.Label = None,
    task: options.Task = None,
    image_size: options.ImageSize = None,
    choices: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Keep a choice of the plan; may be repeated."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="Follow the plan.json of an earlier run; nothing is measured."),
    ] = None,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html and its pictures.")] = True,
    as_json: options.Json = False,
) -> None:
    """Train a network, test it and save it."""
    if resume and out is None:
        raise OptionError("--resume needs the folder of the run", hint="name it: --out DIR")
    folder = out if out is not None else free_folder(Path("runs"), net, data)
    limit_s, size, wishes = (
        arguments.duration_s(time_limit),
        arguments.image_size(image_size),
        arguments.plan_given(plan, choices or ()),
    )
    started = time.perf_counter()
    try:
        model = naiad.fit(
            None if net == "auto" else net,
            data,
            validation=validation,
            epochs=epochs,
            time_limit_s=limit_s,
            plan=wishes,
            seed=seed,
            out=folder,
            resume=resume,
            task=task,
            label=label,
            image_size=size,
            report=report,
        )
    except Stopped as stopped:
        raise Stopped(str(stopped), hint=f"go on: {_continuing(net, data, folder)} and the options as before") from None
    from naiad.trainer.machine import processes

    if not processes.writes():
        return
    result = summary(model, folder, seconds=time.perf_counter() - started)
    if as_json:
        give_json(result)
    else:
        give_summary(result)


def free_folder(parent: Path, net: str, data: str) -> Path:
    """``parent/NET-DATA``, with a number when that one is taken."""
    parts = [Path(part.partition(":")[0]).stem or part for part in (net, data)]
    base = "-".join("".join(letter if letter.isalnum() else "-" for letter in part).strip("-") for part in parts)
    names = [base, *(f"{base}-{number}" for number in range(2, 10_000))]
    return next(parent / name for name in names if not (parent / name).exists())


def summary(model: "Model", folder: Path, *, seconds: float) -> dict[str, Any]:
    report = folder / "report.html"
    return {
        "artifact": str(folder),
        "report": str(report) if report.exists() else None,
        "task": str(model.task),
        "network": model.network.name,
        "classes": list(model.classes),
        "epochs": len(model.history),
        "seconds": round(seconds, 3),
        "evaluations": model.evaluations,
        "baseline": model.baseline,
        "plan": model.plan.to_json(),
    }


def give_summary(result: dict[str, Any]) -> None:
    for split, evaluation in result["evaluations"].items():
        give(f"{split:<11}{evaluation_line(evaluation)}")
    expected, validation = result["plan"]["forecast"], result["evaluations"].get("validation")
    if expected is not None and validation is not None:
        headline = validation["headline"]
        give(
            f"{'forecast':<11}{headline['metric']} {figure(expected)} on validation, reached {figure(headline['value'])}"
        )
    for row in result["baseline"].get("rows", []):
        give(f"{'baseline':<11}{row['metric']} {figure(row['value'])} by {row['name']}")
    give(f"{'took':<11}{result['seconds']:.1f} s, {result['epochs']} epochs")
    give(f"{'artifact':<11}{result['artifact']}")
    if result["report"] is not None:
        give(f"{'report':<11}{result['report']}")


def _continuing(net: str, data: str, folder: Path) -> str:
    return shlex.join(["naiad", "train", net, data, "--out", str(folder), "--resume"])
