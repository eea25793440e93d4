"""A pre-flight: two batches through the very steps of ``fit``, so that a wrong shape fails in a second and not in a job.

What is checked is what ``fit`` would do first: the options, the data, the network, two optimisation steps, one batch of
validation. Nothing is kept: no folder is made, the network is a throw-away, random numbers and threads are the caller's again.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from naiad.trainer import nets
from naiad.trainer.autoscale.rules import make_plan
from naiad.trainer.data.dataset import Dataset, spread
from naiad.trainer.data.feed import memory_limit_bytes
from naiad.trainer.data.prepare import prepare
from naiad.trainer.fit import given_options, threads
from naiad.trainer.loop.checkpoint import MemoryCheckpoints
from naiad.trainer.loop.progress import Silent
from naiad.trainer.loop.task_strategy import recipe_for
from naiad.trainer.machine.seeding import check_seed, seeded
from naiad.trainer.plan.overrides import check_wishes, kept
from naiad.trainer.plan.plan import Plan
from naiad.trainer.run import Run
from naiad.trainer.run_folder import RunFolder

BATCHES = 2


def preflight(
    net: nn.Module | type[nn.Module] | str | None,
    data: Any,
    *,
    validation: Any = None,
    epochs: int | None = None,
    time_limit_s: float | None = None,
    plan: Mapping[str, Any] | None = None,
    seed: int = 0,
    task: str | None = None,
    label: str | None = None,
    image_size: int | tuple[int, int] | None = None,
) -> Plan:
    """Takes ``fit``'s arguments and raises what it would raise; gives the plan that it would begin with. Trains ``net``."""
    check_seed(seed)
    wishes = check_wishes({**(plan or {}), **given_options(epochs=epochs, time_limit_s=time_limit_s)})
    with seeded(seed), threads(kept(wishes).get("threads")):
        dataset = prepare(
            data,
            validation=validation,
            task=task,
            label=label,
            image_size=image_size,
            seed=seed,
            memory_limit_bytes=memory_limit_bytes(wishes.get("feed")),
            normalised=wishes.get("normalisation", "on") == "on",
        )
        module, _ = nets.resolve(net, dataset=dataset)
        nets.check_network(module, dataset)
        settled = make_plan(module, dataset, wishes, seed=seed)
        few = _few(dataset, settled.batch_size)
        recipe = recipe_for(few, seed=seed, clusters=wishes.get("clusters"))
        folder = RunFolder(None, resuming=False, checkpoints=MemoryCheckpoints())
        Run(folder, few, module, recipe, Silent()).train(_short(settled), time.perf_counter())
    return settled


def _short(plan: Plan) -> Plan:
    return replace(plan, total_steps=BATCHES, epochs=1, time_limit_s=None)


def _few(dataset: Dataset, batch_size: int) -> Dataset:
    """The dataset with samples for two batches of training and one of validation; what was learnt from the whole stays."""
    train = spread(dataset.train, BATCHES * batch_size)
    return replace(dataset, train=train, validation=spread(dataset.validation, batch_size), test=None)
