"""``fit``: data and a network in, a trained model out.

Reads top to bottom: prepare the data, settle the network and the plan, run the loop, make the model, test it, save it.
Several processes (torchrun, a job's instances) that call it with the same arguments train one model together.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from naiad.errors import OptionError
from naiad.trainer import nets, run_folder
from naiad.trainer.data.feed import memory_limit_bytes
from naiad.trainer.data.prepare import prepare
from naiad.trainer.loop.progress import Progress, Silent, progress_for
from naiad.trainer.loop.task_strategy import recipe_for
from naiad.trainer.machine import processes
from naiad.trainer.machine.seeding import check_seed, seeded
from naiad.trainer.model.model import Model
from naiad.trainer.plan.overrides import check_wishes, kept
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
    label: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    report: bool = True,
    progress: Progress | None = None,
) -> Model:
    """Trains ``net`` on ``data``, tests it where there is a test split, and returns the model.

    net: a module (trained in place), a registry name (``naiad nets``), ``file.py:Class``, or None to have one chosen.
    data: a path, a name, a torch Dataset, arrays ``(X, y)``, a table, or a dict of splits.
    validation: as ``data``; without it a part of the training split is set aside, stratified and seeded.
    time_limit_s: wall seconds from this call to its return; the last epoch may be cut short.
    plan: choices to keep instead of having them made, by name: ``{"batch_size": 64}`` (see Plan); ``"rule"`` for one that is not
        to be measured. A Plan, or a path to the
        plan.json that a run left, is followed as it stands: nothing is measured, and the same data, network and machine give
        the same weights, bit for bit.
    seed: None is the seed of the plan that is followed, else 0.
    out: the folder for the artifact, checkpoints, metrics and report; None keeps everything in memory.
    resume: True goes on from the last checkpoint in ``out``, if there is one.
    task: ``classification``, ``regression`` or ``clustering``; None has it found from the data.
    label: the target's column, for tables. image_size: side, or (height, width), in pixels.
    report: False leaves out the baseline and report.html, which are made where there is ``out``.
    progress: where to tell what happens; None is a bar on a terminal and lines elsewhere, on stderr.

    Raises InputError before anything is written; TrainingError (Stopped among them) when the run ends early.
    """
    started = time.perf_counter()
    followed = _followed(plan)
    if followed is not None:
        check_nothing_else(followed, epochs=epochs, time_limit_s=time_limit_s, seed=seed)
        seed = followed.seed
    seed = 0 if seed is None else seed
    check_seed(seed)
    given = plan if isinstance(plan, Mapping) else {}
    wishes = check_wishes({**given, **given_options(epochs=epochs, time_limit_s=time_limit_s)})
    with processes.join() as group, seeded(seed):
        folder = group.by_first(lambda: run_folder.claim(out, resume=bool(resume)))
        feed, normalisation = group.by_first(lambda: _of_data(wishes, followed, folder))
        progress = progress if progress is not None else progress_for()
        if group.rank > 0:
            folder, progress = folder.unwritten(), Silent()
        with processes.after_first(group, wait=_may_fetch(data, validation)):
            dataset = prepare(
                data,
                validation=validation,
                task=task,
                label=label,
                image_size=image_size,
                seed=seed,
                memory_limit_bytes=memory_limit_bytes(feed),
                normalised=normalisation == "on",
            )
        module, source = nets.resolve(net, dataset=dataset)
        nets.check_network(module, dataset)
        with threads(kept(wishes).get("threads")):
            recipe = recipe_for(dataset, seed=seed, clusters=wishes.get("clusters"))
            run = Run(folder, dataset, module, recipe, progress, with_report=report, group=group)
            settled = run.settle_plan(wishes, started, seed=seed, followed=followed)
            with threads(settled.threads):
                history, walked = run.train(settled, started)
                model = run.model(walked, history, source)
                run.finish(model)
    return model


def _followed(plan: Mapping[str, Any] | Plan | str | Path | None) -> Plan | None:
    """The plan to follow, by its steps and not by its clock; None where there are single wishes at most."""
    read = Plan.read(Path(plan)) if isinstance(plan, str | Path) else plan
    return replace(read, time_limit_s=None) if isinstance(read, Plan) else None


def _of_data(wishes: Mapping[str, Any], followed: Plan | None, folder: RunFolder) -> tuple[str | None, str]:
    """The feed and the normalisation, as a run that is resumed or a plan that is followed had them, else as wished."""
    plan = folder.record().plan if folder.resuming else followed
    if plan is not None:
        return plan.feed, plan.normalisation
    return wishes.get("feed"), wishes.get("normalisation", "on")


def check_nothing_else(followed: Plan, *, seed: int | None, **options: Any) -> None:
    """Raises OptionError where an argument would make the plan another one."""
    for name, value in {**options, "seed": seed}.items():
        if value is not None and value != getattr(followed, name):
            raise OptionError(
                f"the plan says {name} {getattr(followed, name)}, given {value}",
                hint=f"leave {name} out, or give single choices: plan={{...}}",
            )


def _may_fetch(*data: Any) -> bool:
    """True where one is a name that may have to be downloaded."""
    return any(isinstance(given, str) and not Path(given).exists() for given in data)


def given_options(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """torch's threads inside the block; None leaves them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
