"""The search: begins trials, promotes those that deserve it, and ends when trials, time or hope are over.

It reads top to bottom: ``run`` → ``_fill_pool`` → ``_next_job``; then what becomes of an outcome. Knows jobs, trials and the
journal; knows nothing of networks or data.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from naiad.errors import TrainingError
from naiad.trainer.machine.device import free_memory_bytes
from naiad.trainer.tuning.expected_gain import expect
from naiad.trainer.tuning.halving import best_waiting, promotable
from naiad.trainer.tuning.history import History
from naiad.trainer.tuning.pool import Pool
from naiad.trainer.tuning.search_settings import BASE, Ending, SearchSettings
from naiad.trainer.tuning.study_folder import StudyFolder
from naiad.trainer.tuning.trial import Trial, TrialState
from naiad.trainer.tuning.trial_run import EpochEvent, JobOutcome, TrialJob
from naiad.trainer.tuning.trial_source import TrialSource
from naiad.trainer.tuning.watcher import SearchWatcher

_MEMORY_FRACTION = 0.8
"""Fraction of the free memory that trials may take."""
_MOST_CONFIRMATION = 0.4
"""Fraction of the time that confirming the best trial may take; where it would take more, it is left out."""
_EXPECT_EVERY_S, _SHOW_EVERY_S = 3.0, 15.0
"""Seconds between two estimates of the expected gain, where the search may end by it, and where it is only shown."""
_MINUTE_S = 60.0


@dataclass
class Search:
    settings: SearchSettings
    folder: StudyFolder
    pool: Pool
    watcher: SearchWatcher
    clock: Callable[[], float] = time.perf_counter
    ending: Ending | None = None
    _called_at: float = 0.0
    _started_at: float = 0.0
    """The beginning of the search, moved forward by the time between its parts."""
    _limit: int = 1
    """Jobs that may run at once; more than one from the first epoch of trial 0 on, when its memory is known."""
    _running: dict[int, TrialJob] = field(default_factory=dict)
    _no_more: Ending | None = None
    """Why no new trial begins any more, while waiting ones may still be promoted."""
    _expected_at: float = 0.0
    _source: TrialSource = field(init=False)

    def __post_init__(self) -> None:
        self._source = TrialSource(self.settings)
        self._called_at = self.clock()
        earlier_s = max((trial.ended_s or 0.0 for trial in self.folder.trials.values()), default=0.0)
        self._started_at = self._called_at - earlier_s
        if any(trial.curve for trial in self.folder.trials.values()):
            self._limit = self.pool.size

    @property
    def trials(self) -> list[Trial]:
        """The search's own trials, by number."""
        return [trial for _, trial in sorted(self.folder.trials.items()) if trial.repeat_of is None]

    @property
    def history(self) -> History:
        return History(tuple(self.trials), self.settings.objective.direction)

    def best(self) -> Trial | None:
        """Returns the complete trial with the best score, trial 0 among equals; None before the first is complete."""
        complete = [one for one in self.trials if one.state is TrialState.COMPLETE and one.objective is not None]
        direction = self.settings.objective.direction
        return min(complete, key=lambda one: (direction.gain(0.0, one.objective or 0.0), one.number), default=None)

    def run(self) -> Ending:
        """Searches until an end is reached. Raises TrainingError where trial 0 fails, and what would end every trial."""
        try:
            while self.ending is None:
                self._fill_pool()
                if not self._running:
                    self.ending = self.ending or self._no_more or Ending.TRIALS
                    break
                if self.pool.size > 1 and self._no_more is None:
                    self._source.look_ahead(self.trials, self._next_number())
                self._take(self.pool.wait(self._on_epoch))
                self._check_expectation()
        except KeyboardInterrupt:
            self.ending = Ending.INTERRUPTED
        if self._running:
            self._take(self.pool.stop(self._on_epoch))
        assert self.ending is not None
        return self.ending

    def repeat(self, number: int, seeds: Sequence[int], *, stop_at: float | None) -> bool:
        """Trains a trial again with each of the seeds, as many at once as the pool has room for, unless that was done before.

        Returns whether all were completed.
        """
        wanted = [seed for seed in seeds if not self._is_repeated(number, seed)]
        try:
            while wanted or self._running:
                while wanted and len(self._running) < self._limit:
                    trial = self._repetition(number, wanted.pop(0))
                    seed = self.settings.seed if trial.seed is None else trial.seed
                    job = TrialJob(trial.number, trial.values, seed, is_base=number == BASE, stop_at=stop_at)
                    self._begin(job, replace(trial, state=TrialState.RUNNING, reason=""))
                self._take(self.pool.wait(self._on_epoch))
                if self.ending is Ending.INTERRUPTED:
                    return False
        except KeyboardInterrupt:
            self.ending = Ending.INTERRUPTED
            self._take(self.pool.stop(self._on_epoch))
            return False
        return all(self._is_repeated(number, seed) for seed in seeds)

    def repetitions(self, number: int) -> list[float]:
        """Returns the scores of a trial's completed repetitions."""
        every = self.folder.trials.values()
        return [one.objective for one in every if one.repeat_of == number and one.objective is not None]

    # ---- what is trained next

    def _fill_pool(self) -> None:
        while len(self._running) < self._limit:
            job = self._next_job()
            if job is None:
                return
            trial = self.folder.trials.get(job.number) or Trial(job.number, job.values)
            self._begin(job, replace(trial, state=TrialState.RUNNING, reason=""))

    def _next_job(self) -> TrialJob | None:
        if self._is_time_over():
            self._no_more = Ending.TIME
            return None
        interrupted = [one for one in self.trials if self._is_interrupted(one)]
        if interrupted:
            return self._job(interrupted[0])
        if BASE not in self.folder.trials:
            return self._job(Trial(BASE, self.settings.base_values))
        promoted = promotable(self._halved(), self.settings.rungs, self.settings.objective.direction)
        if promoted is not None and self._has_time_for(promoted):
            return self._job(promoted)
        if self._no_more is None:
            new = self._new_trial()
            if new is not None:
                return self._job(new)
        return self._last_promotion()

    def _halved(self) -> list[Trial]:
        """Trials that are compared at rungs: trial 0's schedule does not end there."""
        return [trial for trial in self.trials if trial.number != BASE]

    def _is_interrupted(self, trial: Trial) -> bool:
        """Whether a crash, a signal or an earlier time limit ended it before its time."""
        is_open = trial.state in (TrialState.RUNNING, TrialState.STOPPED)
        return is_open and trial.number not in self._running and self._has_time_for(trial)

    def _new_trial(self) -> Trial | None:
        trials, number = self.trials, self._next_number()
        if self._source.is_used_up(trials):
            self._no_more = Ending.TRIALS
        elif not self._has_time_for(Trial(number)):
            self._no_more = Ending.TIME
        else:
            values = self._source.values(trials, number)
            if values is not None:
                return Trial(number, values)
            self._no_more = Ending.EXHAUSTED
        return None

    def _last_promotion(self) -> TrialJob | None:
        """Promotes the best trial that waits when no new one begins any more.

        With a time limit, as long as there is time; else where no trial besides trial 0 is complete.
        """
        others = self._halved()
        is_complete = any(one.state is TrialState.COMPLETE for one in others)
        if self._no_more is None or (self._no_more is not Ending.TIME and (self._running or is_complete)):
            return None
        waiting = best_waiting([one for one in others if self._has_time_for(one)], self.settings.objective.direction)
        return None if waiting is None else self._job(waiting)

    def _job(self, trial: Trial) -> TrialJob:
        rungs = self.settings.rungs.epochs
        pause_at = frozenset() if trial.number == BASE else frozenset(rung for rung in rungs if rung > trial.paused_at)
        seed = self.settings.seed if trial.seed is None else trial.seed
        is_base = trial.number == BASE
        stop_at = self.settings.ends_at if is_base else self.search_ends_at
        return TrialJob(trial.number, trial.values, seed, pause_at, is_base=is_base, stop_at=stop_at)

    def _next_number(self) -> int:
        return max(self.folder.trials, default=-1) + 1

    def _is_repeated(self, number: int, seed: int) -> bool:
        return self._repetition(number, seed).objective is not None

    def _repetition(self, number: int, seed: int) -> Trial:
        """Returns the repetition with the seed, which a crash may have cut off, or a new one."""
        every = self.folder.trials.values()
        known = [
            one for one in every if (one.repeat_of, one.seed) == (number, seed) and one.state is not TrialState.FAILED
        ]
        new = Trial(self._next_number(), self.folder.trials[number].values, seed=seed, repeat_of=number)
        return known[0] if known else new

    # ---- time

    @property
    def search_ends_at(self) -> float | None:
        """When no trial trains any more, so that there is time to confirm the best one; None is no limit."""
        ends_at = self.settings.ends_at
        if ends_at is None:
            return None
        best = self.best()
        if best is not None and best.number == BASE:  # there is nothing to confirm yet
            return ends_at
        confirmation_s = self.confirmation_s(best)
        return ends_at - (confirmation_s if confirmation_s <= _MOST_CONFIRMATION * (ends_at - self._called_at) else 0.0)

    def confirmation_s(self, best: Trial | None, *, seeds: int | None = None) -> float:
        """Returns how long it takes to train the best trial and trial 0 again with so many seeds, or all of them."""
        base = self.folder.trials.get(BASE)
        base_s = base.seconds if base is not None and base.state is TrialState.COMPLETE else self.settings.base_s
        best_s = base_s if best is None else best.seconds
        rounds = -(-(self.settings.confirmation_seeds if seeds is None else seeds) // self.pool.size)
        return rounds * (base_s + best_s)

    def _is_time_over(self) -> bool:
        ends_at = self.search_ends_at
        return ends_at is not None and self.clock() >= ends_at

    def _has_time_for(self, trial: Trial) -> bool:
        """Whether the trial can reach its end in the time that is left, as trial 0 or its own epochs say."""
        ends_at = self.search_ends_at
        timed = trial if trial.curve else self.folder.trials.get(BASE)
        if ends_at is None or timed is None or not timed.curve:
            return True
        return self.clock() + (self.settings.epochs - trial.epoch) * timed.seconds / timed.epoch <= ends_at

    # ---- what becomes of a job

    def _begin(self, job: TrialJob, trial: Trial) -> None:
        if job.number not in self.folder.trials:
            self.folder.clear_trial(job.number)
        self._running[job.number] = job
        self.folder.record(trial, is_durable=False)
        self.watcher.change(trial)
        self.pool.start(job)

    def _on_epoch(self, event: EpochEvent) -> None:
        trial = self.folder.trials[event.number].with_epoch(event.epoch, event.score, event.seconds)
        self.folder.count_epoch(event.number, event.epoch)
        self.folder.record(trial, is_durable=False)
        self.watcher.change(trial)
        if event.memory_bytes:
            fitting = int(_MEMORY_FRACTION * free_memory_bytes() / event.memory_bytes) + len(self._running)
            self._limit = max(1, min(self.pool.size, fitting))
            if self.ending is None and len(self._running) < self._limit and self.pool.size > 1:
                self._fill_pool()

    def _take(self, outcomes: Sequence[JobOutcome]) -> None:
        for outcome in outcomes:
            self._running.pop(outcome.number, None)
            before = self.folder.trials[outcome.number]
            trial = replace(
                before,
                state=outcome.state,
                objective=outcome.objective,
                reason=outcome.reason,
                paused_at=before.epoch if outcome.state is TrialState.PAUSED else before.paused_at,
                ended_s=self.clock() - self._started_at,
                plan=outcome.plan or before.plan,
            )
            self.folder.record(trial)
            self.watcher.change(trial)
            if outcome.is_interrupted:
                self.ending = Ending.INTERRUPTED
            if outcome.error is not None:
                raise outcome.error
            if trial.number == BASE and trial.state is TrialState.FAILED:
                raise TrainingError(f"the untuned run fails: {trial.reason}", hint="see that naiad.fit trains it first")

    def _check_expectation(self) -> None:
        if self.ending is not None or self._no_more is not None:
            return
        now, until_gain = self.clock(), self.settings.until_gain
        if now - self._expected_at < (_SHOW_EVERY_S if until_gain is None else _EXPECT_EVERY_S):
            return
        elapsed_s = max(1e-9, now - self._started_at)
        expectation = expect(
            self.settings.space, self.history, trials=len(self.trials) * _MINUTE_S / elapsed_s, seed=self.settings.seed
        )
        self._expected_at = self.clock()
        if expectation.gain is not None:
            self.watcher.expect(expectation.gain)
            if until_gain is not None and expectation.gain < until_gain and self.best() is not None:
                self._no_more = Ending.GAIN
