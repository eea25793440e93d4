"""Decisions before the first trial: trial 0's plan, its length, the space, the rungs, and how many trials run at once."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from naiad.errors import OptionError
from naiad.trainer.autoscale.choose_plan import ChosenPlan
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.loop.task_strategy import make_task_strategy
from naiad.trainer.machine.device import best_device, usable_cores
from naiad.trainer.machine.seeding import RandomState, fork_rng
from naiad.trainer.machine.torch_threads import torch_threads
from naiad.trainer.plan.overrides import fixed_values
from naiad.trainer.plan.plan import CHOICES, Plan
from naiad.trainer.run import Run
from naiad.trainer.run_folder import RunFolder
from naiad.trainer.tuning.constraint import Constraint
from naiad.trainer.tuning.default_space import SpaceFacts, base_values, default_space
from naiad.trainer.tuning.dimension import Dimension
from naiad.trainer.tuning.halving import Rungs, make_rungs
from naiad.trainer.tuning.networks import NETWORK_PREFIX, TrialNetworks
from naiad.trainer.tuning.pool import can_fork
from naiad.trainer.tuning.space import Space, make_space
from naiad.trainer.tuning.space_text import parse_dimension
from naiad.trainer.tuning.suggest import FEW_TRIALS, Strategy, check_constraints, read_strategy
from naiad.trainer.tuning.targets import ALIASES, Targets, find_value, python_value
from naiad.trainer.tuning.trial import Value
from naiad.trainer.tuning.trial_plan import check_fixed
from naiad.trainer.tuning.tune_options import DEFAULT_TRIALS, TuneOptions
from naiad.trainer.tuning.verdict import REPEATS

_LEAST_SEARCH = 5
"""Whole trials that the search itself has time for, at least, besides trial 0 and the confirmation."""
_VALIDATION = 1.2
"""Time of a trial in units of that of its steps: validation, and trials that compete for the memory's bandwidth."""


@dataclass(frozen=True)
class StudySetup:
    plan: Plan
    """Trial 0's plan."""
    chosen: ChosenPlan
    net: nn.Module
    """A network as trial 0 has it."""
    space: Space
    targets: Targets
    rungs: Rungs
    base_values: Mapping[str, Value]
    base_s: float
    """Expected seconds of trial 0."""
    strategy: Strategy
    most_trials: int | None
    notes: tuple[str, ...]


def choose_parallel(options: TuneOptions, overrides: Mapping[str, Any], stored: Mapping[str, Any] | None = None) -> int:
    """Returns how many trials may run at once: as many as cores, each on one thread. Memory is looked at later.

    stored: settings of the study that is resumed. Its trials keep their threads, and a worker may have no more than one.
    Raises OptionError where more than one is wanted, and impossible.
    """
    begun = {} if stored is None else {name: stored["plan"][name] for name in ("device", "threads")}
    fixed = {**overrides, **begun}
    is_possible = can_fork(str(fixed.get("device", best_device()))) and fixed.get("threads", 1) == 1
    is_possible = is_possible and not {"threads", "device"} & set(options.space or ())
    wanted = options.parallel
    if wanted is not None and wanted > 1 and not is_possible:
        raise OptionError(
            f"parallel is {wanted}, but only one trial at a time can run here",
            hint="several need Linux, the device cpu, and one thread each: leave parallel, device and threads out",
        )
    if not is_possible:
        return 1
    return wanted if wanted is not None else usable_cores()


def read_space(options: TuneOptions, stored: Mapping[str, Any] | None) -> Space | None:
    """Returns the space that is given, or that of the study that is resumed; None where one is to be made.

    Looks at nothing but the texts, so it comes before the data. Raises OptionError.
    """
    constraints = [Constraint(text) for text in options.constraints]
    if options.space is not None:
        if not options.space:
            raise OptionError("the space is empty", hint="leave it out to have one made, or give it a dimension")
        return make_space([parse_dimension(name, given) for name, given in options.space.items()], constraints)
    if stored is None:
        return None
    objects = [one["name"] for one in stored["space"] if one.get("are_objects")]
    if objects:
        raise OptionError(
            f"the values of {', '.join(objects)} are Python objects, which the folder of the search does not hold",
            hint="give the same space again",
        )
    constraints = constraints or [Constraint(text) for text in stored["constraints"]]
    return make_space([Dimension.from_json(one) for one in stored["space"]], constraints)


def give_starting_values(networks: TrialNetworks, space: Space | None) -> None:
    """A parameter without a default has, in trial 0, the first of its values, or the middle of its range."""
    dimensions = {one.name.removeprefix(NETWORK_PREFIX): one for one in (() if space is None else space.dimensions)}
    found = {name: dimensions[name] for name in networks.required() if name in dimensions}
    first = {name: one.choices[0] if one.choices else one.value_at(0.5) for name, one in found.items()}
    networks.start_with({name: python_value(found[name], value) for name, value in first.items()})


@dataclass(frozen=True)
class SetupInputs:
    options: TuneOptions
    given_space: Space | None
    """None is one that is made from network, data and plan."""
    overrides: Mapping[str, Any]
    dataset: Dataset
    networks: TrialNetworks
    parallel: int
    seed: int
    network_output: str
    left_s: float | None
    """Seconds for the search, the time for saving and testing taken off; None is no limit."""
    stored: Mapping[str, Any] | None
    """Settings of the study that is resumed."""


def set_up(inputs: SetupInputs) -> StudySetup:
    """Chooses and measures as ``fit`` does. Raises OptionError."""
    with fork_rng(inputs.seed), torch_threads(fixed_values(_plan_overrides(inputs)).get("threads")):
        net, _ = inputs.networks.make({})
        run = _make_run(inputs, net)
        if inputs.stored is not None:
            chosen = ChosenPlan(Plan.from_json(inputs.stored["plan"]))
            base_s, notes = 0.0, list[str]()
        else:
            chosen = run.choose_plan(_plan_overrides(inputs), time.perf_counter(), seed=inputs.seed)
            chosen, base_s, notes = _fit_to_time(inputs, run, chosen)
    facts = SpaceFacts(
        net,
        inputs.dataset,
        chosen.plan,
        inputs.networks.parameters(),
        inputs.networks.activations(),
        inputs.networks.has_dropout(),
    )
    space = _make_space(inputs, facts)
    targets = Targets(space, tuple(facts.parameters))
    check_constraints(space)
    _check_network_values(inputs.networks, space, targets)
    check_fixed(fixed_values(inputs.overrides), [name for name in CHOICES if targets.has(name)])
    values = _base_values(space, facts)
    is_halved = inputs.options.halving and not targets.has("epochs")
    if facts.activations.note is not None and (inputs.options.space is None or targets.has("net.activation")):
        notes.append(facts.activations.note)
    return StudySetup(
        chosen.plan,
        chosen,
        net,
        space,
        targets,
        make_rungs(chosen.plan.epochs) if is_halved else Rungs(),
        values,
        base_s,
        choose_strategy(inputs.options),
        _most_trials(inputs),
        tuple(notes),
    )


def _make_run(inputs: SetupInputs, net: nn.Module) -> Run:
    output = inputs.network_output
    clusters = fixed_values(inputs.overrides).get("clusters")
    strategy = make_task_strategy(inputs.dataset, seed=inputs.seed, clusters=clusters, network_output=output)
    return Run(RunFolder(), inputs.dataset, net, strategy, SilentProgress(), network_output=output)


def _plan_overrides(inputs: SetupInputs) -> dict[str, Any]:
    """A trial beside others takes one core."""
    return {**inputs.overrides, **({"threads": 1} if inputs.parallel > 1 else {})}


def _fit_to_time(inputs: SetupInputs, run: Run, chosen: ChosenPlan) -> tuple[ChosenPlan, float, list[str]]:
    """Returns the plan with fewer epochs where the time is too short for a search with whole trials, and a note of it."""
    if inputs.left_s is None:
        return chosen, 0.0, []
    random = RandomState.capture()
    plan, step_s = chosen.plan, chosen.step_s if chosen.step_s is not None else run.step_seconds(chosen.plan)
    random.restore()
    base_s = _VALIDATION * plan.total_steps * step_s
    most_s = inputs.left_s / (1 + (2 * REPEATS + _LEAST_SEARCH) / inputs.parallel)
    if base_s <= most_s or "epochs" in inputs.overrides:
        return chosen, base_s, []
    epochs = max(1, int(plan.epochs * most_s / base_s))
    shorter = run.choose_plan({**_plan_overrides(inputs), "epochs": epochs}, time.perf_counter(), seed=inputs.seed)
    count = f"{epochs} epoch{'' if epochs == 1 else 's'}"
    note = f"a trial has {count} in place of {plan.epochs}, so that the time is enough for a search"
    return replace(shorter, step_s=step_s), base_s * epochs / plan.epochs, [note]


def _make_space(inputs: SetupInputs, facts: SpaceFacts) -> Space:
    if inputs.given_space is not None:
        return inputs.given_space
    constraints = [Constraint(text) for text in inputs.options.constraints]
    return make_space(default_space(facts, inputs.overrides), constraints)


def _check_network_values(networks: TrialNetworks, space: Space, targets: Targets) -> None:
    """Raises OptionError, NetworkError where each trial with a value of ``activation`` or ``dropout`` would fail."""
    for dimension in space.dimensions:
        if networks.has_fixed_values(dimension.name):
            for value in dimension.choices or (dimension.value_at(0.0), dimension.value_at(1.0)):
                networks.make(targets.choices({dimension.name: value}).network)


def _base_values(space: Space, facts: SpaceFacts) -> dict[str, Value]:
    """Returns trial 0's values by the names of the space, as far as they are values of its dimensions."""
    canonical = {name: ALIASES.get(name, name) for name in space.names}
    known = base_values(facts, tuple(canonical.values()))
    values: dict[str, Value] = {}
    for dimension in space.dimensions:
        name = canonical[dimension.name]
        if name in known and (dimension.when is None or dimension.when.is_met(values)):
            value = find_value(dimension, known[name])
            values |= {} if value is None else {dimension.name: value}  # the space may be elsewhere
    return values


def choose_strategy(options: TuneOptions) -> Strategy:
    """Raises OptionError for an unknown name."""
    if options.search is not None:
        return read_strategy(options.search)
    return Strategy.GP if (options.trials or DEFAULT_TRIALS) <= FEW_TRIALS else Strategy.TPE


def _most_trials(inputs: SetupInputs) -> int | None:
    if inputs.options.trials is not None:
        return int(inputs.options.trials)
    if inputs.left_s is not None:
        return None
    if inputs.stored is not None and inputs.stored.get("most_trials") is not None:
        return int(inputs.stored["most_trials"])
    return None if inputs.options.until_gain is not None else DEFAULT_TRIALS
