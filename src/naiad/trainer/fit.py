"""``fit``: data and a network in, a trained model out.

Reads top to bottom: prepare the data, choose the network and the plan, run the loop, make the model, test it, save it.
Several processes (torchrun, a job's instances) that call it with the same arguments train one model together.
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from torch import nn

from naiad.errors import OptionError, TrainingError, explain_errors
from naiad.trainer import nets, run_folder
from naiad.trainer.data.loading import memory_limit_bytes
from naiad.trainer.data.prepare import DataOptions, prepare
from naiad.trainer.data.sources.named import dataset_names
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.loop.progress import Progress, SilentProgress, check_progress, make_progress
from naiad.trainer.loop.task_strategy import make_task_strategy
from naiad.trainer.machine import processes
from naiad.trainer.machine.seeding import fork_rng
from naiad.trainer.machine.thread_waiting import adapt_thread_waiting
from naiad.trainer.machine.torch_threads import torch_threads
from naiad.trainer.model.model import Model
from naiad.trainer.plan.overrides import fixed_values, join_limits
from naiad.trainer.plan.plan import Plan
from naiad.trainer.run import Run
from naiad.trainer.run_folder import RunFolder


def fit(
    net: nn.Module | type[nn.Module] | str | None,
    data: Any,
    *,
    validation: Any = None,
    epochs: int | None = None,
    time_limit_s: float | None = None,
    plan: Mapping[str, Any] | Plan | str | Path | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    resume: bool | None = None,
    task: str | None = None,
    label: str | int | None = None,
    types: Mapping[str, str] | None = None,
    image_size: int | tuple[int, int] | None = None,
    as_: str | None = None,
    report: bool = True,
    progress: Progress | None = None,
) -> Model:
    """Trains ``net`` on ``data``, tests it where there is a test split, and returns the model.

    net: a module (trained in place), a registry name (``naiad nets``), ``file.py:Class``, or None to have one chosen.
    data: a path, a name, a Dataset or DataLoader, arrays ``(X, y)`` or ``(X, y, sample_weight)``, a table, or a dict of splits.
    validation: like ``data``; if left out, a fraction of the training split is held out, stratified and seeded.
    epochs: passes over the training split; chosen if left out.
    time_limit_s: wall seconds from this call to its return; the last epoch may be cut short.
    plan: choices to keep, by name: ``{"batch_size": 64}`` (see Plan); ``"rule"`` has one made by rule, not measured. A Plan, or
        the path of the plan.json that a run left, is followed as it stands: nothing is measured, and the same data, network and
        machine give the same weights, bit for bit.
    seed: the same seed gives the same run; None is the seed of the plan that is followed, else 0.
    out: the folder for the artifact, checkpoints, metrics and report; None keeps everything in memory.
    resume: True continues from the last checkpoint in ``out``, if there is one.
    task: ``classification``, ``regression`` or ``clustering``; None finds it from the data.
    label: the target's column of a table, or its name in a Dataset's items.
    types: what columns of a table hold, where it is not to be inferred: ``{"zip": "text"}``; ``number``, ``category``, ``date``,
        ``image`` and ``ignore`` are known too, and so are a date's format and a number such as ``1.234,5``.
    image_size: side, or (height, width), in pixels.
    as_: what arrays hold: ``image``, ``sequence`` or ``tokens``; None gives them as the network takes them.
    report: False leaves out the baseline and report.html, which need a folder ``out``.
    progress: receives what happens; None shows a bar on a terminal and lines elsewhere, on stderr.
    Raises InputError before anything is written; TrainingError (TrainingStopped among them) when the run ends early.
    """
    options = FitOptions(
        validation=validation,
        epochs=epochs,
        time_limit_s=time_limit_s,
        plan=plan,
        seed=seed,
        out=out,
        resume=resume if resume is not None else False,
        task=task,
        label=label,
        types=types,
        image_size=image_size,
        as_=as_,
        report=report,
    )
    return fit_with_options(net, data, options, progress=progress)


@explain_errors(TrainingError, "the run failed")
def fit_with_options(
    net: nn.Module | type[nn.Module] | str | None,
    data: Any,
    options: FitOptions,
    *,
    progress: Progress | None = None,
    pause_at_epochs: frozenset[int] = frozenset(),
) -> Model:
    """Does what ``fit`` does with the same options. Raises TrainingPaused after the epochs ``pause_at_epochs``."""
    started = time.perf_counter()
    request = plan_request(options)
    overrides, seed = request.overrides, request.seed
    with processes.join_process_group() as group, fork_rng(seed), ExitStack() as at_end:
        waiting = at_end.enter_context(adapt_thread_waiting())
        folder = group.on_rank_zero(lambda: run_folder.open_run_folder(options.out, resume=options.resume))
        at_end.callback(folder.unlock)
        if folder.previous is not None:
            group.on_rank_zero(folder.lock)
        early = group.on_rank_zero(lambda: early_choices(request, folder))
        progress = _open_progress(progress, folder, rank=group.rank, is_resumed=options.resume)
        folder = folder if group.rank == 0 else folder.without_files()
        with processes.share_input_errors(group):
            with processes.after_rank_zero(group, wait=_may_download(data, options.validation)):
                prepared_as = data_options(options, seed, early)
                unwrapped = nets.unwrap_network(net)
                dataset = prepare(data, prepared_as, network=nets.describe_network_input(unwrapped.net))
            module, source = nets.resolve_network(unwrapped.net, dataset=dataset)
            report = nets.try_network(module, dataset)
            dataset = replace(dataset, findings=dataset.findings + unwrapped.findings + report.findings)
        with torch_threads(fixed_values(overrides).get("threads")):
            if folder.previous is None:
                group.on_rank_zero(folder.lock)
            output = early.network_output or report.output
            run = Run(
                folder,
                dataset,
                module,
                make_task_strategy(dataset, seed=seed, clusters=early.clusters, network_output=output),
                progress,
                with_report=options.report,
                group=group,
                network_output=output,
                compiled=unwrapped.compiled,
                is_contended=waiting.is_contended,
                pause_at_epochs=pause_at_epochs,
            )
            chosen = run.choose_plan(overrides, started, seed=seed, followed=request.followed)
            with torch_threads(chosen.plan.threads):
                return run.finish(run.train(chosen, started), source)


def _open_progress(progress: Progress | None, folder: RunFolder, *, rank: int, is_resumed: bool) -> Progress:
    """Returns the caller's progress, checked, or a new one; a silent one in all processes but the first."""
    progress = check_progress(progress) if progress is not None else make_progress()
    if rank == 0 and is_resumed and folder.previous is None:
        progress.note(f"there is no run to resume in {folder.path}: a new one begins")
    return progress if rank == 0 else SilentProgress()


@dataclass(frozen=True)
class PlanRequest:
    """The user's request for the plan: a plan to follow, or single choices to keep."""

    followed: Plan | None
    """The plan to follow, by its steps and without its time limit."""
    overrides: dict[str, Any]
    """Choices to keep by name; ``rule`` for one that is not to be measured."""
    seed: int


@explain_errors(OptionError, "the plan cannot be read")
def plan_request(options: FitOptions) -> PlanRequest:
    """Raises InputError for a plan that cannot be read, a choice out of its range, or options that change a followed plan."""
    limits = {"epochs": options.epochs, "time_limit_s": options.time_limit_s}
    plan = Plan.read(Path(options.plan)) if isinstance(options.plan, str | PathLike) else options.plan
    if isinstance(plan, Plan):
        followed = replace(plan, time_limit_s=None)
        choices = join_limits({}, limits)
        _check_unchanged(followed, {**choices, **({} if options.seed is None else {"seed": options.seed})})
        return PlanRequest(followed, choices, followed.seed)
    if plan is not None and not isinstance(plan, Mapping):
        raise OptionError(
            f"plan takes choices by name, a Plan or its file, given a {type(plan).__name__}",
            hint="for example plan={'batch_size': 64}",
        )
    return PlanRequest(None, join_limits(plan or {}, limits), int(options.seed or 0))


@dataclass(frozen=True)
class EarlyChoices:
    """Choices of the plan that are needed before there is a plan."""

    feed: str | None
    normalisation: str
    clusters: int | None
    network_output: str | None
    """None: as its values say."""


def early_choices(request: PlanRequest, folder: RunFolder) -> EarlyChoices:
    """A resumed run and a followed plan keep theirs; else the user's choices count."""
    plan = folder.previous.plan if folder.previous is not None else request.followed
    if plan is not None:
        return EarlyChoices(plan.feed, plan.normalisation, plan.clusters, plan.network_output)
    chosen = request.overrides
    return EarlyChoices(
        feed=chosen.get("feed"),
        normalisation=chosen.get("normalisation", "on"),
        clusters=chosen.get("clusters"),
        network_output=chosen.get("network_output"),
    )


def data_options(options: FitOptions, seed: int, early: EarlyChoices) -> DataOptions:
    """Returns the options of ``fit`` that concern the data, with the plan's choices; raises OptionError."""
    return DataOptions(
        validation=options.validation,
        task=options.task,
        label=options.label,
        types=options.types,
        image_size=options.image_size,
        as_=options.as_,
        seed=seed,
        memory_limit_bytes=memory_limit_bytes(early.feed),
        normalise=early.normalisation == "on",
    )


def _check_unchanged(followed: Plan, options: Mapping[str, Any]) -> None:
    """Raises OptionError where an option would make the plan another one."""
    for name, value in options.items():
        if value != getattr(followed, name):
            raise OptionError(
                f"the plan says {name} {getattr(followed, name)}, given {value}",
                hint=f"leave {name} out, or give single choices: plan={{...}}",
            )


def _may_download(*data: Any) -> bool:
    """Whether one of the data is a name that may have to be downloaded."""
    return any(isinstance(source, str) and source.lower().replace("_", "-") in dataset_names() for source in data)
