"""``tune``: searches the choices of a run, and returns the best model that it can be sure of.

Reads top to bottom: prepare the data, choose trial 0's plan and the space, search, judge, finish the chosen trial, report.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from naiad.errors import TrainingError, explain_errors
from naiad.trainer import nets
from naiad.trainer.fit import PlanRequest, early_choices
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.machine.seeding import fork_rng
from naiad.trainer.machine.thread_waiting import adapt_thread_waiting
from naiad.trainer.run_folder import RunFolder
from naiad.trainer.study_inputs import TrialDatasets, read_request, try_network_output
from naiad.trainer.tuning.finishing_time import FinishingTime
from naiad.trainer.tuning.networks import TrialNetworks
from naiad.trainer.tuning.objective import choose_objective
from naiad.trainer.tuning.optuna_study import compute_importance
from naiad.trainer.tuning.search_settings import SearchSettings
from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.study import Study, check_same_study, study_facts
from naiad.trainer.tuning.study_folder import StudyFolder, open_study_folder
from naiad.trainer.tuning.study_memory import StudyMemory
from naiad.trainer.tuning.study_report import write_study_report
from naiad.trainer.tuning.study_setup import (
    SetupInputs,
    StudySetup,
    choose_parallel,
    choose_strategy,
    give_starting_values,
    read_space,
    set_up,
)
from naiad.trainer.tuning.table_watcher import make_watcher
from naiad.trainer.tuning.trial_plan import TrialPlanner
from naiad.trainer.tuning.trial_run import TrialContext
from naiad.trainer.tuning.tune_options import TuneOptions
from naiad.trainer.tuning.tuned import Tuned
from naiad.trainer.tuning.verdict import REPEATS
from naiad.trainer.tuning.watcher import SearchWatcher


def tune(
    net: Any,
    data: Any,
    space: Mapping[str, Any] | None = None,
    *,
    trials: int | None = None,
    time_limit_s: float | None = None,
    metric: str | None = None,
    parallel: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    search: str | None = None,
    constraints: Sequence[str] = (),
    halving: bool = True,
    until_gain: float | None = None,
    memory: bool = True,
    plan: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    validation: Any = None,
    task: str | None = None,
    label: str | int | None = None,
    types: Mapping[str, str] | None = None,
    image_size: int | tuple[int, int] | None = None,
    as_: str | None = None,
    report: bool = True,
    watcher: SearchWatcher | None = None,
) -> Tuned:
    """Searches learning rate, batch size, activation and other choices; returns the best model, tested once, and all trials.

    Trial 0 is the run that ``fit`` would make. Where no trial beats it by more than the noise over seeds, its model is returned.
    Trials are compared on validation data only, paused at rungs, and go on from their checkpoints when they deserve it.

    net: a module (copied for each trial), a class or function that makes one, whose parameters may be searched, a registry name,
        ``file.py:Class``, or None to have one chosen.
    data: as for ``fit``.
    space: dimensions by name; None makes them from network, data and plan. A name is a choice of the plan, ``lr`` and other usual
        names for them, a parameter of the network, ``activation``, ``dropout``, or ``learning_rate_factor`` and
        ``weight_decay_factor``, which multiply what the rules say. A dimension is a range (``"log:1e-4:1"``, ``"0:0.5"``,
        ``"int:1:4"``, ``"logint:16:256"``, ``"reverse_log:0.9:0.999"``) or values (``"relu,gelu"``, a list). ``" if NAME=VALUE"``
        behind it makes it count only with that value.
    trials: trials besides the repetitions that measure noise; 30 where there is no time limit either.
    time_limit_s: wall seconds from this call to its return, test, saving and report included.
    metric: of the validation split: accuracy, f1_macro, top5_accuracy, loss; r2, mae, rmse. None is the task's usual one.
    parallel: trials at once; None is as many as cores and memory bear, each on one thread.
    seed: of trial 0 and of the search.
    out: the folder of the study, of the model's artifact and of the report; None keeps nothing.
    resume: True goes on with the study in ``out``; at most the epochs since the last checkpoints are lost.
    search: ``gp``, ``tpe``, ``random``, ``grid``, ``cma`` or ``qmc``; None is ``gp`` for up to 500 trials, else ``tpe``.
    constraints: comparisons that values must meet: ``["width * depth <= 1024"]``.
    halving: False trains every trial to its end.
    until_gain: ends the search when another minute is expected to gain less, in units of the metric.
    memory: False neither begins with what earlier searches have found, nor remembers what this one finds.
    plan: choices to keep in every trial, by name. epochs, validation, task, label, types, image_size, as_: as for ``fit``.
    report: False leaves out the pages and pictures.
    watcher: receives what happens; None shows a table on a terminal and lines elsewhere, on stderr.
    Raises InputError before anything is written; TrainingError where trial 0 fails, and where no trial is complete at the end.
    """
    fit = FitOptions(validation=validation, epochs=epochs, time_limit_s=time_limit_s, plan=plan, seed=seed, out=out)
    fit = replace(
        fit, resume=resume, task=task, label=label, types=types, image_size=image_size, as_=as_, report=report
    )
    options = TuneOptions(
        fit=fit, space=space, constraints=constraints, trials=trials, metric=metric, parallel=parallel
    )
    options = replace(options, search=search, halving=halving, until_gain=until_gain, memory=memory)
    return tune_with_options(net, data, options, watcher=watcher)


@explain_errors(TrainingError, "the search failed")
def tune_with_options(net: Any, data: Any, options: TuneOptions, *, watcher: SearchWatcher | None = None) -> Tuned:
    """Does what ``tune`` does with the same options."""
    started = time.perf_counter()
    watcher = watcher if watcher is not None else make_watcher()
    request, limit_s = read_request(options)
    with ExitStack() as at_end:
        at_end.callback(watcher.close)
        at_end.enter_context(fork_rng(request.seed))
        folder = open_study_folder(options.fit.out, resume=options.fit.resume)
        at_end.callback(folder.close)
        space = read_space(options, folder.settings)
        choose_strategy(options)  # raises for an unknown name, before the data are read
        parallel = choose_parallel(options, request.overrides, folder.settings)
        if parallel == 1:
            at_end.enter_context(adapt_thread_waiting())
        prepared = _prepare_study(
            _Call(net, data, options, request, space, parallel, started, limit_s), folder, watcher
        )
        return _run(prepared, started)


@dataclass(frozen=True)
class _Call:
    """The arguments of ``tune``, checked."""

    net: Any
    data: Any
    options: TuneOptions
    request: PlanRequest
    space: Space | None
    """None is one that is made."""
    parallel: int
    started: float
    """When ``tune`` was called, on ``time.perf_counter``."""
    limit_s: float | None
    """Seconds from ``started`` to the return of ``tune``; None is no limit."""


@dataclass(frozen=True)
class _PreparedStudy:
    study: Study
    setup: StudySetup
    memory: StudyMemory | None
    finishing: FinishingTime


def _prepare_study(call: _Call, folder: StudyFolder, watcher: SearchWatcher) -> _PreparedStudy:
    """Prepares the data, chooses trial 0's plan and the space, and locks the folder. Raises InputError."""
    options, seed = call.options, call.request.seed
    early = early_choices(call.request, RunFolder())
    datasets = TrialDatasets(call.data, call.net, options.fit, seed, early)
    dataset = datasets({})
    objective = choose_objective(options.metric, dataset)
    networks = TrialNetworks(nets.unwrap_network(call.net).net, dataset)
    give_starting_values(networks, call.space)
    finishing = FinishingTime.estimate(dataset, saves=not folder.is_temporary, reports=options.fit.report)
    ends_at = finishing.search_end(call.started, call.limit_s)
    inputs = SetupInputs(
        options=options,
        given_space=call.space,
        overrides=call.request.overrides,
        dataset=dataset,
        networks=networks,
        parallel=call.parallel,
        seed=seed,
        network_output=early.network_output or try_network_output(networks, dataset),
        left_s=None if ends_at is None else ends_at - time.perf_counter(),
        stored=folder.settings,
    )
    setup = set_up(inputs)
    datasets.prepare_all(setup.space)
    folder.lock()
    if options.fit.resume and folder.settings is None:
        watcher.note(f"there is no search to resume in {folder.path}: a new one begins")
    memory = StudyMemory.for_study(networks.name, setup.net, dataset) if options.memory else None
    settings = SearchSettings(
        space=setup.space,
        objective=objective,
        epochs=setup.plan.epochs,
        rungs=setup.rungs,
        strategy=setup.strategy,
        seed=seed,
        most_trials=setup.most_trials,
        ends_at=ends_at,
        until_gain=options.until_gain,
        base_values=setup.base_values,
        proposals=_proposals(setup, memory),
        base_s=setup.base_s,
        confirmation_seeds=REPEATS,
    )
    _keep_settings(folder, settings, setup, inputs)
    context = _context(setup, inputs, settings, datasets, folder)
    study = Study(context, settings, folder, call.parallel, watcher, dataset, with_report=options.fit.report)
    return _PreparedStudy(study, setup, memory, finishing)


def _run(prepared: _PreparedStudy, started: float) -> Tuned:
    """Searches, finishes the chosen trial, writes the report."""
    study, setup = prepared.study, prepared.setup
    settings, folder, space = study.settings, study.folder, study.settings.space
    for note in setup.notes:
        study.watcher.note(note)
    search, verdict, chosen = study.run()
    study.watcher.note(verdict.text)
    finishing_since = time.perf_counter()
    model = study.finish(chosen)
    if prepared.memory is not None and verdict.is_better and verdict.gain is not None:
        gain = verdict.gain / max(verdict.noise or 0.0, 1e-12)
        prepared.memory.remember(setup.targets.canonical(chosen.values), min(gain, 1e6))
    assert search.ending is not None
    tuned = Tuned(
        model=model,
        chosen=chosen,
        verdict=verdict,
        trials=tuple(trial for _, trial in sorted(folder.trials.items())),
        space=space,
        objective=settings.objective,
        ending=search.ending,
        epochs=settings.epochs,
        rungs=settings.rungs.epochs,
        importance=compute_importance(space, search.history.scored(space), settings.objective.direction),
        parallel=study.parallel,
        trained_twice=folder.trained_twice,
        notes=setup.notes,
        path=None if folder.is_temporary else folder.path,
    )
    if study.with_report and not folder.is_temporary:
        tuned = replace(tuned, report=write_study_report(folder.path, tuned))
    prepared.finishing.store(time.perf_counter() - finishing_since)
    return replace(tuned, seconds=time.perf_counter() - started)


def _proposals(setup: StudySetup, remembered: StudyMemory | None) -> tuple[dict[str, Any], ...]:
    """Returns what earlier searches have found, as far as it is in this space."""
    stored = [] if remembered is None else remembered.proposals()
    read = [setup.space.read_values({**setup.base_values, **setup.targets.named(values)}) for values in stored]
    return tuple(values for values in read if values is not None)


def _keep_settings(folder: StudyFolder, settings: SearchSettings, setup: StudySetup, inputs: SetupInputs) -> None:
    """Writes what the study is known by, or checks it where the study is resumed. Raises InputError, DiskFull."""
    current = {
        **study_facts(inputs.dataset, setup.net),
        "metric": settings.objective.metric,
        "seed": settings.seed,
        "space": settings.space.to_json(),
        "constraints": [constraint.text for constraint in settings.space.constraints],
        "rungs": list(settings.rungs.epochs),
        "overrides": {name: repr(value) for name, value in sorted(inputs.overrides.items())},
    }
    if folder.settings is not None:
        check_same_study(folder.settings, current, folder.path)
        return
    folder.write_settings({**current, "plan": setup.plan.to_json(), "most_trials": settings.most_trials})


def _context(
    setup: StudySetup, inputs: SetupInputs, settings: SearchSettings, datasets: TrialDatasets, folder: StudyFolder
) -> TrialContext:
    kept = {name: value for name, value in inputs.overrides.items() if value != "rule"}
    return TrialContext(
        datasets=datasets,
        networks=inputs.networks,
        planner=TrialPlanner(setup.plan, kept, setup.rungs, inputs.network_output),
        targets=setup.targets,
        objective=settings.objective,
        folder=folder.trials_folder,
    )
