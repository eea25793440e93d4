"""One study from its prepared data on: what is fixed before the first trial, the search, the verdict, and the chosen model."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from naiad.errors import DataError, NetworkError, OptionError, TrainingError, TrainingStopped
from naiad.trainer.autoscale.choose_plan import ChosenPlan
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.machine.seeding import fork_rng
from naiad.trainer.machine.torch_threads import torch_threads
from naiad.trainer.model.model import Model
from naiad.trainer.run_folder import data_digest, network_digest
from naiad.trainer.tuning.dimension import Dimension
from naiad.trainer.tuning.pool import ForkPool, InlinePool, Pool
from naiad.trainer.tuning.search import Search
from naiad.trainer.tuning.search_settings import BASE, Ending, SearchSettings
from naiad.trainer.tuning.study_folder import StudyFolder
from naiad.trainer.tuning.trial import Trial, TrialState, Value
from naiad.trainer.tuning.trial_run import TrialContext, TrialJob, prepare_trial
from naiad.trainer.tuning.verdict import REPEATS, Verdict, judge, judge_without_seeds
from naiad.trainer.tuning.watcher import SearchOutline, SearchWatcher, value_text

_FRACTIONS = frozenset({"accuracy", "top5_accuracy"})
"""Metrics that are fractions of the samples."""
_SAME = {
    "metric": "metric",
    "seed": "seed",
    "space": "space",
    "constraints": "constraints",
    "overrides": "what every trial keeps (plan, epochs)",
    "rungs": "halving, by its rungs,",
}
"""Settings that are the same in a resumed study, in words."""
_SPARE = 1.1
"""Time that confirming is given, in units of what it is expected to take."""


@dataclass
class Study:
    context: TrialContext
    settings: SearchSettings
    folder: StudyFolder
    parallel: int
    watcher: SearchWatcher
    dataset: Dataset
    with_report: bool = True
    """Whether the chosen model is compared with a baseline and reported, as ``fit`` does it."""
    clock: Callable[[], float] = time.perf_counter

    def run(self) -> tuple[Search, Verdict, Trial]:
        """Searches and judges; returns the search, the verdict and the chosen trial. Raises TrainingError."""
        self.watcher.start(self._outline())
        pool = self._make_pool()
        try:
            search = Search(self.settings, self.folder, pool, self.watcher, self.clock)
            search.run()
            best = search.best()
            if best is None:
                raise self._nothing_complete(search)
            verdict = self._judge(search, best)
        finally:
            pool.close()
        return search, verdict, best if verdict.is_better else self.folder.trials[BASE]

    def finish(self, chosen: Trial) -> Model:
        """Returns the model of the chosen trial, tested once; it is saved where the study has a folder."""
        out = self.folder.model_folder
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
        job = TrialJob(chosen.number, chosen.values, self.settings.seed, is_base=chosen.number == BASE)
        with fork_rng(job.seed):
            trial = prepare_trial(self.context, job, out=out)
            trial.run.with_report = self.with_report and out is not None
            with torch_threads(trial.plan.threads):
                trained = trial.run.train(ChosenPlan(trial.plan), time.perf_counter())
                trial.run.progress = _NotesTo(self.watcher)
                return trial.run.finish(trained, trial.source)

    def _make_pool(self) -> Pool:
        return ForkPool(self.context, self.parallel) if self.parallel > 1 else InlinePool(self.context)

    def _outline(self) -> SearchOutline:
        settings = self.settings
        return SearchOutline(
            space={one.name: _dimension_text(one, settings.base_values) for one in settings.space.dimensions},
            objective=settings.objective,
            epochs=settings.epochs,
            rungs=settings.rungs.epochs,
            most_trials=settings.most_trials,
            parallel=self.parallel,
            strategy=settings.strategy.value,
            untuned=settings.base_values,
        )

    def _nothing_complete(self, search: Search) -> TrainingError:
        is_interrupted = search.ending is Ending.INTERRUPTED
        hint = "begin it again" if is_interrupted else "give it more time (time_limit_s=)"
        if not self.folder.is_temporary:
            hint = f"{hint}, or go on with it: naiad.tune(..., out={str(self.folder.path)!r}, resume=True)"
        kind = TrainingStopped if is_interrupted else TrainingError
        return kind(f"{search.ending} before the untuned run was complete", hint=hint)

    # ---- the verdict

    def _judge(self, search: Search, best: Trial) -> Verdict:
        direction, base = self.settings.objective.direction, self.folder.trials[BASE]
        if base.objective is None or best.objective is None:
            text = "the untuned run was not completed"
            return Verdict(is_better=best.number != BASE, gain=None, noise=None, text=text)
        if best.number == BASE:
            return Verdict(is_better=False, gain=None, noise=None, text=_nothing_better(search.trials))
        scores = None if search.ending is Ending.INTERRUPTED else self._fresh_scores(search, best)
        if scores is not None:
            return judge([base.objective, *scores[0]], scores[1], direction)
        is_fraction = self.settings.objective.metric in _FRACTIONS
        return judge_without_seeds(base, best, direction, samples=len(self.dataset.validation) if is_fraction else None)

    def _fresh_scores(self, search: Search, best: Trial) -> tuple[list[float], list[float]] | None:
        """Trains trial 0 and the best one again with fresh seeds; returns their scores, or None where time is short.

        Trial 0 has one score already, so one more is enough where there is no time for two.
        """
        seeds = [(self.settings.seed + 1 + index) % 2**32 for index in range(REPEATS)]
        for base_seeds in (seeds, seeds[:1]):
            if not self._has_time_for(search.confirmation_s(best) * (len(base_seeds) + REPEATS) / (2 * REPEATS)):
                continue
            self.watcher.note(f"trial {best.number} is the best; it and trial 0 are trained again with fresh seeds")
            plan = ((best.number, seeds), (BASE, base_seeds))
            if all(search.repeat(number, chosen, stop_at=self.settings.ends_at) for number, chosen in plan):
                return search.repetitions(BASE), search.repetitions(best.number)
            return None
        return None

    def _has_time_for(self, seconds: float) -> bool:
        return self.settings.ends_at is None or self.clock() + _SPARE * seconds <= self.settings.ends_at


def _nothing_better(trials: Sequence[Trial]) -> str:
    """Says so, and why trials have failed: where all did, nothing was searched."""
    failed = [trial for trial in trials if trial.state is TrialState.FAILED]
    text = "no trial was better than trial 0"
    if not failed:
        return text
    return f"{text}; {len(failed)} of {len(trials) - 1} failed, as trial {failed[0].number}: {failed[0].reason}"


class _NotesTo(SilentProgress):
    """Passes a run's notes on to the watcher of the search."""

    def __init__(self, watcher: SearchWatcher) -> None:
        self._watcher = watcher

    def note(self, text: str) -> None:
        self._watcher.note(text)


def _dimension_text(dimension: Any, untuned: Mapping[str, Value]) -> str:
    when = "" if dimension.when is None else f" if {dimension.when.name}={','.join(dimension.when.values)}"
    known = f"; untuned {value_text(untuned[dimension.name])}" if dimension.name in untuned else ""
    return f"{dimension}{when}{known}"


def study_facts(dataset: Dataset, net: Any) -> dict[str, str]:
    """Returns digests of the data and of the network's shapes, by which a resumed study is known."""
    validation = data_digest(replace(dataset, train=dataset.validation))
    return {"data": data_digest(dataset), "validation": validation, "network": network_digest(net)}


def check_same_study(stored: Mapping[str, Any], current: Mapping[str, Any], folder: Path) -> None:
    """Raises InputError where a study is resumed with other data, another network or other settings."""
    hint = "resume with the same arguments, or start anew in another folder"
    for name, what in _SAME.items():
        if stored[name] != current[name]:
            given = f": {_short(stored[name])}, given {_short(current[name])}"
            raise OptionError(f"{what} differs from what the search in {folder} was started with{given}", hint=hint)
    for name, what in (("data", "the training data"), ("validation", "the validation data")):
        if stored[name] != current[name]:
            raise DataError(f"{what} differs from what the search in {folder} was started with", hint=hint)
    if stored["network"] != current["network"]:
        raise NetworkError(f"the network differs from what the search in {folder} was started with", hint=hint)


def _short(value: Any) -> str:
    """Returns a setting of a study for a message."""
    if value in ({}, []):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {text}" for name, text in value.items())
    if isinstance(value, list):
        texts = [f"{one['name']} {Dimension.from_json(one)}" if isinstance(one, Mapping) else str(one) for one in value]
        return "; ".join(texts)
    return str(value)
