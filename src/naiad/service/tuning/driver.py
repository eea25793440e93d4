"""Moves all tuning jobs on, in a thread of its own: one pass after the other, each over all that have not ended.

Nothing waits for the search or for a training job: what has come since the last pass is taken up. All that a pass needs is in the
store and in the files of the jobs, so a server that was killed at any moment goes on where it was. A trial is stored before its
job is made, so none is lost, and none is made twice.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from naiad.service.domain.clock import Clock
from naiad.service.domain.elapsed_times import ElapsedTimes
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Conflict, NotFound, ServiceError
from naiad.service.domain.tuning import Trial, TrialState, TuningStatus
from naiad.service.jobs.problem_log import ProblemLog
from naiad.service.jobs.wake_event import WakeEvent
from naiad.service.store.entity_port import EntityQuery, EntityStore
from naiad.service.store.lock import StoreLock
from naiad.service.store.port import Store
from naiad.service.store.trial_port import TrialStore
from naiad.service.tuning.decisions import Decision, decide
from naiad.service.tuning.early_stopping import EarlyStopping
from naiad.service.tuning.search import SearchError
from naiad.service.tuning.searches import Answer, Searches, planned_trials
from naiad.service.tuning.trial_jobs import TrialJobs
from naiad.service.tuning.tuning_job import TuningDetail, TuningJob, TuningKey

_LOG = logging.getLogger(__name__)
_INTERVAL_S, _IDLE_INTERVAL_S = 0.3, 5.0
_MAX_SEARCH_ERRORS = 3
"""A tuning job fails when the search has failed it so many times in a row."""
_PAGE_SIZE = 100


@dataclass
class TuningDriver:
    """``tick`` and ``run`` are for one thread; ``wake_event`` is for any."""

    entities: EntityStore
    trials: TrialStore
    store: Store
    trial_jobs: TrialJobs
    searches: Searches
    clock: Clock
    store_lock: StoreLock
    """The driver moves nothing while it is lost: another server may have the store."""
    wake_event: WakeEvent = field(default_factory=WakeEvent)
    _early_stopping: EarlyStopping = field(default_factory=EarlyStopping)
    _problems: ProblemLog = field(default_factory=ProblemLog)
    _search_errors: dict[TuningKey, int] = field(default_factory=dict)
    """The number of failures in a row."""
    _elapsed: ElapsedTimes[TuningKey] = field(init=False)
    _active: tuple[TuningJob, ...] = ()
    _has_begun: bool = False

    def __post_init__(self) -> None:
        self._elapsed = ElapsedTimes(self.clock)

    def run(self, stop_event: threading.Event) -> None:
        """Returns after ``stop_event`` is set; wake it then, so that it notices at once."""
        while not stop_event.is_set():
            self.wake_event.consume()
            try:
                self.tick()
            except ServiceError as error:
                self._problems.warn("tuning", error)
            except Exception:  # noqa: BLE001  # reason: the thread's edge: a full disk is passing trouble
                _LOG.exception("tuning: a pass failed, trying again")
            self.wake_event.wait(_INTERVAL_S if self._active else _IDLE_INTERVAL_S)

    def tick(self) -> None:
        """Makes one pass over all tuning jobs that have not ended."""
        if not self.store_lock.is_held():
            return
        if not self._has_begun:
            self.trial_jobs.stop_orphans(self.trials.of)
            self._has_begun = True
        self._active = self._unfinished()
        self._retain()
        self.searches.search.end_idle()
        for tuning in self._active:
            try:
                self._advance(tuning)
            except Exception as error:  # noqa: BLE001  # reason: one tuning job must not hold up the others
                self._problems.warn(f"tuning job {tuning.name}", error)

    def _unfinished(self) -> tuple[TuningJob, ...]:
        found = []
        for status in TuningStatus:
            if not status.is_final:
                query = EntityQuery(EntityKind.TUNING, status=status.value, limit=_PAGE_SIZE)
                while True:
                    page = self.entities.find(query)
                    found += [TuningJob.of(entity) for entity in page.entities]
                    if page.next_token is None:
                        break
                    query = replace(query, next_token=page.next_token)
        return tuple(found)

    def _retain(self) -> None:
        """Forgets everything about other tuning jobs."""
        keys = {tuning.key for tuning in self._active}
        self.searches.retain(self._active)
        self._elapsed.forget(lambda key: key not in keys)
        self._problems.retain([f"tuning job {tuning.name}" for tuning in self._active])
        self._search_errors = {key: count for key, count in self._search_errors.items() if key in keys}
        self._early_stopping.retain(keys)

    def _advance(self, tuning: TuningJob) -> None:
        known = self.trials.of(tuning.name)
        tags = self.store.tags(tuning.arn)
        own = [self._start(tuning, trial, tags) for trial in known if not trial.is_prior]
        own = [self._refresh(tuning, trial) if trial.state.is_unfinished else trial for trial in own]
        prior = [trial for trial in known if trial.is_prior]
        if self._take_answer(tuning, [*prior, *own]):
            self.wake_event.wake()
            return
        decision = self._decide(tuning, own)
        self._apply(own, decision)
        if decision.end is not None:
            detail = replace(tuning.detail, failure_reason=decision.failure_reason or tuning.detail.failure_reason)
            self._change(tuning, tuning.changed(detail, at=self.clock.now(), status=decision.end))
            self.searches.curves.forget(trial.name for trial in known)
        elif not self.searches.is_pending(tuning):
            self._ask(tuning, [*prior, *own], decision)

    def _decide(self, tuning: TuningJob, trials: Sequence[Trial]) -> Decision:
        return decide(tuning, trials, elapsed_s=self._elapsed.since_s(tuning.key, tuning.entity.created_at))

    def _start(self, tuning: TuningJob, trial: Trial, tags: dict[str, str]) -> Trial:
        if trial.state is not TrialState.PLANNED:
            return trial
        started = self.trial_jobs.start(tuning, trial, tags)
        self.trials.update(started)
        return started

    def _refresh(self, tuning: TuningJob, trial: Trial) -> Trial:
        now = self.trial_jobs.refresh(tuning, trial)
        if now != trial:
            self.trials.update(now)
            if now.state.is_final:
                _LOG.info("tuning job %s: %s %s, objective %s", tuning.name, now.name, now.state, now.objective)
        return now

    def _apply(self, trials: Sequence[Trial], decision: Decision) -> None:
        for trial in trials:
            if trial.number in decision.stop:
                self._stop(trial, decision.stop[trial.number])
            elif trial.number in decision.resume:
                self.trial_jobs.resume(trial, decision.resume[trial.number])
                self.trials.update(replace(trial, state=TrialState.ACTIVE, promotions=trial.promotions + 1))

    def _stop(self, trial: Trial, reason: str) -> None:
        """Stores the reason before the job is stopped. May be called again while the job ends."""
        if not trial.stop_reason:
            self.trials.update(replace(trial, stop_reason=reason))
        self.trial_jobs.stop(trial)

    def _ask(self, tuning: TuningJob, trials: Sequence[Trial], decision: Decision) -> None:
        """Sends the next request to the search: new values come before stops, and stops before convergence."""
        for name, count in decision.wanted.items():
            definition = next(one for one in tuning.definitions if one.name == name)
            self.searches.ask_values(tuning, definition, trials, count)
            return
        if tuning.status is not TuningStatus.IN_PROGRESS:
            return
        if (trial := self._early_stopping.next_trial(tuning, trials, self.searches.curves)) is not None:
            self.searches.ask_stop(tuning, trial, trials)
        elif (ended := self._early_stopping.next_definition(tuning, trials)) is not None:
            self.searches.ask_convergence(tuning, ended, trials)

    def _take_answer(self, tuning: TuningJob, trials: Sequence[Trial]) -> bool:
        """Takes up an answer of the search, and returns whether there was one: then the pass begins anew."""
        try:
            answer = self.searches.take_answer(tuning)
            if answer is None:
                return False
            self._use(tuning, trials, answer)
        except SearchError as error:
            count = self._search_errors[tuning.key] = self._search_errors.get(tuning.key, 0) + 1
            _LOG.warning("tuning job %s: %s (%d of %d)", tuning.name, error, count, _MAX_SEARCH_ERRORS)
            if count >= _MAX_SEARCH_ERRORS:
                self._change_detail(tuning, replace(tuning.detail, failure_reason=f"InternalServerError: {error}"))
        else:
            self._search_errors.pop(tuning.key, None)
        return True

    def _use(self, tuning: TuningJob, trials: Sequence[Trial], answer: Answer) -> None:
        """Raises SearchError."""
        if answer.op == "suggest":
            self._plan(tuning, trials, answer)
        elif answer.op == "convergence" and answer.values.get("converged"):
            self._change_detail(tuning, replace(tuning.detail, converged_at=self.clock.now()))
        elif answer.op == "should_stop" and answer.values.get("stop"):
            for trial in trials:
                if trial.number == answer.number and trial.state is TrialState.ACTIVE:
                    self._stop(trial, f"early stopping: {answer.values.get('reason') or 'others were better'}"[:500])

    def _plan(self, tuning: TuningJob, trials: Sequence[Trial], answer: Answer) -> None:
        """Stores new trials, as many as are still wanted. Raises SearchError."""
        own = [trial for trial in trials if not trial.is_prior]
        count = self._decide(tuning, own).wanted.get(answer.definition, 0)
        first = self.trials.last_number(tuning.name) + 1
        planned = planned_trials(tuning, answer, first=first, count=count, at=self.clock.now())
        self.trials.add(planned)
        is_last = bool(answer.values.get("is_exhausted")) and len(planned) == len(answer.values["trials"])
        if is_last or (count > 0 and not planned):
            exhausted = dict.fromkeys((*tuning.detail.exhausted, answer.definition))
            self._change_detail(tuning, replace(tuning.detail, exhausted=tuple(exhausted)))

    def _change_detail(self, tuning: TuningJob, detail: TuningDetail) -> None:
        self._change(tuning, tuning.changed(detail, at=self.clock.now()))

    def _change(self, before: TuningJob, after: TuningJob) -> None:
        """Stores a change. A tuning job that was changed meanwhile is read again in the next pass."""
        try:
            self.entities.update(after.entity, before=before.entity)
        except (Conflict, NotFound):
            return
        if after.status.is_final:
            _LOG.info("tuning job %s: %s %s", after.name, after.status, after.detail.failure_reason or "")
