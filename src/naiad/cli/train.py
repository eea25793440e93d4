"""``naiad train``: trains a network from the command line, alone or as one of torchrun's processes."""

import shlex
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naiad.cli import options
from naiad.cli.evaluation_text import format_evaluation, format_score
from naiad.cli.option_words import to_command_line
from naiad.cli.output import print_json, print_line
from naiad.errors import FolderInUse, OptionError, TrainingStopped
from naiad.trainer.fit_options import FitOptions, help_of
from naiad.trainer.option_text import parse_duration_s, parse_image_size, parse_net, parse_plan, parse_types
from naiad.trainer.plan.reason import count_noun

if TYPE_CHECKING:
    from naiad.trainer.model.model import Model


_MAX_WORD_LETTERS = 50
"""Letters of a network's or a data set's name in the name of a folder."""
EpochsOption = Annotated[int | None, typer.Option(help=help_of("epochs"))]
TimeLimitOption = Annotated[str | None, typer.Option(metavar="60s|5m|1h", help=help_of("time_limit_s"))]
OptionalSeedOption = Annotated[int | None, typer.Option("--seed", help=help_of("seed"))]
OutOption = Annotated[Path | None, typer.Option(metavar="DIR", help="The run's folder; runs/NET-DATA if left out.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help=help_of("resume"))]
ValidationOption = Annotated[str | None, typer.Option(metavar="DATA", help=help_of("validation"))]
ChoicesOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Keep a choice of the plan; may be repeated.")
]
PlanOption = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="Follow the plan.json of an earlier run; nothing is measured."),
]
ReportOption = Annotated[bool, typer.Option("--report/--no-report", help=help_of("report"))]


def train(
    net: options.NetArgument,
    data: options.DataArgument,
    epochs: EpochsOption = None,
    time_limit: TimeLimitOption = None,
    seed: OptionalSeedOption = None,
    out: OutOption = None,
    resume: ResumeOption = False,
    validation: ValidationOption = None,
    label: options.LabelOption = None,
    task: options.TaskOption = None,
    types: options.TypesOption = None,
    image_size: options.ImageSizeOption = None,
    as_: options.AsOption = None,
    choices: ChoicesOption = None,
    plan: PlanOption = None,
    report: ReportOption = True,
    as_json: options.JsonOption = False,
) -> None:
    """Train a network, test it and save it.

    Several processes train together: torchrun --nproc-per-node 2 -m naiad.cli train NET DATA
    """
    if resume and out is None:
        raise OptionError("--resume needs the folder of the run", hint="name it: --out DIR")
    fit_options = FitOptions(
        validation=validation,
        epochs=epochs,
        time_limit_s=parse_duration_s(time_limit),
        plan=parse_plan(plan, choices or ()),
        seed=seed,
        out=out,
        resume=resume,
        task=task,
        label=label,
        types=parse_types(types or ()),
        image_size=parse_image_size(image_size),
        as_=as_,
        report=report,
    )
    started = time.perf_counter()
    model, folder = _train_in_folder(net, data, fit_options)
    if model is None:
        return
    summary = summarize(model, folder, seconds=time.perf_counter() - started)
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)


def _train_in_folder(net: str, data: str, fit_options: FitOptions) -> "tuple[Model | None, Path]":
    """Trains in the folder that the user names, else in a free one: another run may take the same name at the same moment."""
    while True:
        folder = Path(fit_options.out) if fit_options.out is not None else free_folder(Path("runs"), net, data)
        try:
            return _train_model(net, data, replace(fit_options, out=folder), folder), folder
        except FolderInUse:
            if fit_options.out is not None:
                raise


def _train_model(net: str, data: str, fit_options: FitOptions, folder: Path) -> "Model | None":
    """Returns the model; None in a process that leaves the output to the first one. Raises TrainingStopped with a hint."""
    from naiad.trainer.fit import fit_with_options
    from naiad.trainer.loop.progress import make_progress
    from naiad.trainer.machine.processes import is_rank_zero

    try:
        progress = make_progress(rewrite=to_command_line)
        model = fit_with_options(parse_net(net), data, fit_options, progress=progress)
    except TrainingStopped as stopped:
        command = shlex.join(["naiad", "train", net, data, "--out", str(folder), "--resume"])
        raise TrainingStopped(str(stopped), hint=f"to continue: {command} and the options as before") from None
    return model if is_rank_zero() else None


def free_folder(parent: Path, net: str, data: str) -> Path:
    """Returns ``parent/NET-DATA``, with a number where that folder exists."""
    words = [Path(text.partition(":")[0]).stem or text for text in (net, data)]
    plain = ["".join(letter if letter.isalnum() else "-" for letter in word).strip("-") for word in words]
    base = "-".join(word[:_MAX_WORD_LETTERS] for word in plain)
    names = [base, *(f"{base}-{number}" for number in range(2, 10_000))]
    return next(parent / name for name in names if not (parent / name).exists())


def summarize(model: "Model", folder: Path, *, seconds: float) -> dict[str, Any]:
    """Returns what ``--json`` prints of a run."""
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


def print_summary(summary: dict[str, Any]) -> None:
    better = summary["baseline"].get("better_method")
    if better is not None:
        print_line(f"{'note':<11}{better}")
    for split, evaluation in summary["evaluations"].items():
        print_line(f"{split:<11}{format_evaluation(evaluation)}")
    for row in summary["baseline"].get("rows", []):
        print_line(f"{'baseline':<11}{row['metric']} {format_score(row['value'])} by {row['name']}")
    print_line(f"{'took':<11}{summary['seconds']:.1f} s, {count_noun(summary['epochs'], 'epoch')}")
    print_line(f"{'artifact':<11}{summary['artifact']}")
    if summary["report"] is not None:
        print_line(f"{'report':<11}{summary['report']}")
