"""``naiad tune``: searches the choices of a run from the command line."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naiad.cli import options
from naiad.cli.evaluation_text import format_evaluation
from naiad.cli.option_words import to_command_line
from naiad.cli.output import print_json, print_line
from naiad.cli.train import ChoicesOption, EpochsOption, ReportOption, ValidationOption, free_folder
from naiad.errors import FolderInUse, OptionError, TrainingStopped
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.option_text import parse_assignments, parse_duration_s, parse_image_size, parse_net, parse_types
from naiad.trainer.tuning.space_text import parse_space_pairs
from naiad.trainer.tuning.tune_options import TuneOptions, tune_help_of

if TYPE_CHECKING:
    from naiad.trainer.tuning.tuned import Tuned

SpaceOption = Annotated[
    list[str] | None, typer.Option("--space", metavar="NAME=RANGE|VALUES", help=tune_help_of("space"))
]
ConstraintOption = Annotated[
    list[str] | None, typer.Option("--constraint", metavar="TEXT", help=tune_help_of("constraints"))
]
TrialsOption = Annotated[int | None, typer.Option(help=tune_help_of("trials"))]
SearchTimeOption = Annotated[
    str | None, typer.Option("--time-limit", metavar="60s|10m|2h", help="Wall time from start to end, test included.")
]
MetricOption = Annotated[str | None, typer.Option(help=tune_help_of("metric"))]
ParallelOption = Annotated[int | None, typer.Option(help=tune_help_of("parallel"))]
SearchOption = Annotated[str | None, typer.Option("--search", metavar="NAME", help=tune_help_of("search"))]
HalvingOption = Annotated[bool, typer.Option("--halving/--no-halving", help=tune_help_of("halving"))]
UntilGainOption = Annotated[float | None, typer.Option("--until-gain", metavar="GAIN", help=tune_help_of("until_gain"))]
MemoryOption = Annotated[bool, typer.Option("--memory/--no-memory", help=tune_help_of("memory"))]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of the untuned run and of the search.")]
OutOption = Annotated[Path | None, typer.Option(metavar="DIR", help="The study's folder; tuning/NET-DATA if left out.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with the study in --out.")]


def tune(
    net: options.NetArgument,
    data: options.DataArgument,
    space: SpaceOption = None,
    trials: TrialsOption = None,
    time_limit: SearchTimeOption = None,
    until_gain: UntilGainOption = None,
    metric: MetricOption = None,
    search: SearchOption = None,
    constraint: ConstraintOption = None,
    parallel: ParallelOption = None,
    halving: HalvingOption = True,
    memory: MemoryOption = True,
    seed: SeedOption = 0,
    epochs: EpochsOption = None,
    out: OutOption = None,
    resume: ResumeOption = False,
    validation: ValidationOption = None,
    label: options.LabelOption = None,
    task: options.TaskOption = None,
    types: options.TypesOption = None,
    image_size: options.ImageSizeOption = None,
    as_: options.AsOption = None,
    choices: ChoicesOption = None,
    report: ReportOption = True,
    as_json: options.JsonOption = False,
) -> None:
    """Search learning rate, batch size, activation and other choices, and keep the best model.

    For example: naiad tune simplenet fashion-mnist --space lr=log:1e-4:1 --space activation=relu,gelu,silu --trials 30
    """
    if resume and out is None:
        raise OptionError("--resume needs the folder of the study", hint="name it: --out DIR")
    time_limit_s, size = parse_duration_s(time_limit), parse_image_size(image_size)
    plan, columns = parse_assignments(choices or ()), parse_types(types or ())
    fit = FitOptions(validation=validation, epochs=epochs, time_limit_s=time_limit_s, plan=plan, seed=seed, out=out)
    fit = replace(fit, resume=resume, task=task, label=label, types=columns, image_size=size, as_=as_, report=report)
    dimensions = parse_space_pairs(space) if space else None
    search_options = TuneOptions(fit=fit, space=dimensions, constraints=tuple(constraint or ()), trials=trials)
    search_options = replace(search_options, metric=metric, parallel=parallel, search=search, halving=halving)
    search_options = replace(search_options, until_gain=until_gain, memory=memory)
    tuned = _tune_in_folder(net, data, search_options, as_json=as_json)
    if as_json:
        print_json(tuned.to_json())
    else:
        _print_result(tuned)


def _tune_in_folder(net: str, data: str, tune_options: TuneOptions, *, as_json: bool) -> "Tuned":
    """Searches in the folder that the user names, else in a free one, which another search may take at the same moment."""
    from naiad.trainer.tune import tune_with_options
    from naiad.trainer.tuning.table_watcher import make_watcher

    fit_options = tune_options.fit
    while True:
        folder = Path(fit_options.out) if fit_options.out is not None else free_folder(Path("tuning"), net, data)
        used = replace(tune_options, fit=replace(fit_options, out=folder))
        try:
            watcher = make_watcher(with_table=not as_json, rewrite=to_command_line)
            return tune_with_options(parse_net(net), data, used, watcher=watcher)
        except FolderInUse:
            if fit_options.out is not None:
                raise
        except TrainingStopped as stopped:
            command = shlex.join(["naiad", "tune", net, data, "--out", str(folder), "--resume"])
            raise TrainingStopped(str(stopped), hint=f"to continue: {command} and the options as before") from None


def _print_result(tuned: "Tuned") -> None:
    metric = tuned.objective.metric
    print_line("")
    print_line(f"{'chosen':<11}trial {tuned.chosen.number} | validation {metric} {_score(tuned.chosen.objective)}")
    print_line(f"{'verdict':<11}{tuned.verdict.text}")
    for name, value in tuned.values.items():
        print_line(f"{'':<11}{name} = {value:.4g}" if isinstance(value, float) else f"{'':<11}{name} = {value}")
    for split, evaluation in tuned.model.evaluations.items():
        print_line(f"{split:<11}{format_evaluation(evaluation)}")
    if tuned.importance:
        parts = [f"{name} {value:.0%}" for name, value in tuned.importance.items() if value >= 0.005]
        print_line(f"{'importance':<11}{', '.join(parts)}")
    print_line(f"{'took':<11}{tuned.seconds:.1f} s, {len(tuned.own_trials)} trials; {tuned.ending.value}")
    print_line(f"{'artifact':<11}{tuned.model.path}")
    if tuned.report is not None:
        print_line(f"{'report':<11}{tuned.report}")


def _score(value: Any) -> str:
    return "–" if value is None else f"{value:.4f}"
