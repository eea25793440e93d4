"""A pre-flight: two batches through the steps of ``fit``, so that a wrong shape fails in a second and not in a job.

It checks what ``fit`` does first: the options, the data, the network, two optimisation steps, one batch of validation. It keeps
nothing: it makes no folder, and restores the caller's random numbers and threads.
"""

import time
from dataclasses import replace
from typing import Any

from torch import nn

from naiad.trainer import nets
from naiad.trainer.autoscale.choose_plan import ChosenPlan
from naiad.trainer.autoscale.rules.make_plan import make_plan
from naiad.trainer.data.dataset import Dataset, sample_evenly
from naiad.trainer.data.prepare import prepare
from naiad.trainer.fit import data_options, early_choices, plan_request
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.loop.task_strategy import make_task_strategy
from naiad.trainer.machine.seeding import fork_rng
from naiad.trainer.machine.torch_threads import torch_threads
from naiad.trainer.plan.overrides import fixed_values
from naiad.trainer.plan.plan import Plan
from naiad.trainer.run import Run
from naiad.trainer.run_folder import RunFolder

BATCHES = 2


def preflight(net: nn.Module | type[nn.Module] | str | None, data: Any, options: FitOptions) -> Plan:
    """Raises what ``fit`` would raise; returns the plan that ``fit`` would begin with. Trains ``net``."""
    request = plan_request(options)
    overrides, seed = request.overrides, request.seed
    with fork_rng(seed), torch_threads(fixed_values(overrides).get("threads")):
        early = early_choices(request, RunFolder())
        prepared_as = data_options(options, seed, early)
        unwrapped = nets.unwrap_network(net)
        dataset = prepare(data, prepared_as, network=nets.describe_network_input(unwrapped.net))
        module, _ = nets.resolve_network(unwrapped.net, dataset=dataset)
        plan, output = request.followed, nets.try_network(module, dataset).output
        if plan is None:
            plan = make_plan(module, dataset, overrides, seed=seed, network_output=output)
        sample, output = _sample(dataset, plan.batch_size), plan.network_output
        strategy = make_task_strategy(sample, seed=seed, clusters=early.clusters, network_output=output)
        folder = RunFolder()
        Run(folder, sample, module, strategy, SilentProgress()).train(ChosenPlan(_shorten(plan)), time.perf_counter())
    return plan


def _shorten(plan: Plan) -> Plan:
    return replace(plan, total_steps=BATCHES, epochs=1, time_limit_s=None)


def _sample(dataset: Dataset, batch_size: int) -> Dataset:
    """Returns two training batches and one of validation; what was learnt from the whole dataset stays."""
    train = sample_evenly(dataset.train, BATCHES * batch_size)
    return replace(dataset, train=train, validation=sample_evenly(dataset.validation, batch_size), test=None)
