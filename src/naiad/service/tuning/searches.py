"""Requests of tuning jobs to the search, and what becomes of the answers. One of each tuning job is on its way at a time."""

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any

from naiad.service.domain.tuning import Trial, TrialState
from naiad.service.tuning.curves import Curves, points_of
from naiad.service.tuning.definitions import TuningDefinition, search_seed
from naiad.service.tuning.ranges import texts_of
from naiad.service.tuning.search import Search, SearchError
from naiad.service.tuning.tuning_job import TuningJob, TuningKey

_STATES = {
    TrialState.PLANNED: "running",
    TrialState.ACTIVE: "running",
    TrialState.PAUSED: "paused",
    TrialState.COMPLETED: "complete",
    TrialState.FAILED: "failed",
    TrialState.STOPPED: "stopped",
}
_NAME_BYTES = 4
_MAX_ASKED, _MAX_ASKED_S = 8, 60.0
"""Limit of the values in one request, and of the time for all but the first: a model of many trials takes seconds for each, and
the first trials need not wait for the last.
"""


@dataclass(frozen=True)
class Answer:
    """The answer to one request."""

    op: str
    definition: str
    values: Mapping[str, Any]
    number: int | None = None
    """The trial that the request was about."""


@dataclass
class Searches:
    """The requests of all tuning jobs. For one thread."""

    search: Search
    curves: Curves
    _pending: dict[TuningKey, tuple[str, str, int | None, "Future[dict[str, Any]]"]] = field(default_factory=dict)

    def is_pending(self, tuning: TuningJob) -> bool:
        return tuning.key in self._pending

    def take_answer(self, tuning: TuningJob) -> Answer | None:
        """Returns the answer to the last request, once; None without one. Raises SearchError."""
        pending = self._pending.get(tuning.key)
        if pending is None or not pending[3].done():
            return None
        op, definition, number, future = self._pending.pop(tuning.key)
        try:
            return Answer(op, definition, future.result(), number)
        except (OSError, ValueError, CancelledError) as error:
            raise SearchError(f"the search could not be asked: {error}") from error

    def ask_values(self, tuning: TuningJob, definition: TuningDefinition, trials: Sequence[Trial], count: int) -> None:
        """``trials``: all of the tuning job, those of its parents among them."""
        own = [trial for trial in trials if trial.definition == definition.name]
        request = {
            "op": "suggest",
            "strategy": tuning.config["Strategy"].lower(),
            "seed": search_seed(tuning.entity.request),
            "count": min(count, _MAX_ASKED),
            "max_s": _MAX_ASKED_S,
            "start_number": max(0, *(trial.number for trial in trials)) + 1 if trials else 1,
            **self._history(tuning, definition, own),
        }
        self._send(tuning, definition, request, None)

    def ask_stop(self, tuning: TuningJob, trial: Trial, trials: Sequence[Trial]) -> None:
        """Asks whether a running trial is to be stopped early."""
        definition = tuning.definition_of(trial)
        own = [one for one in trials if one.definition == definition.name]
        request = {"op": "should_stop", "number": trial.number, **self._history(tuning, definition, own)}
        self._send(tuning, definition, request, trial.number)

    def ask_convergence(self, tuning: TuningJob, definition: TuningDefinition, trials: Sequence[Trial]) -> None:
        own = [one for one in trials if one.definition == definition.name]
        request = {
            "op": "convergence",
            "seed": search_seed(tuning.entity.request),
            **self._history(tuning, definition, own),
        }
        self._send(tuning, definition, request, None)

    def retain(self, tunings: Sequence[TuningJob]) -> None:
        """Forgets the requests of all other tuning jobs."""
        for key in self._pending.keys() - {tuning.key for tuning in tunings}:
            self._pending.pop(key)[3].cancel()

    def _history(self, tuning: TuningJob, definition: TuningDefinition, trials: Sequence[Trial]) -> Mapping[str, Any]:
        return {
            "space": [one.to_json() for one in definition.dimensions],
            "direction": "maximize" if definition.is_maximized else "minimize",
            "trials": [self._trial(tuning, definition, trial) for trial in trials if not trial.is_prior],
            "prior": [_prior(trial) for trial in trials if trial.is_prior],
        }

    def _trial(self, tuning: TuningJob, definition: TuningDefinition, trial: Trial) -> Mapping[str, Any]:
        curve = [[epoch, value] for epoch, value in sorted(trial.rungs.items())]
        if not definition.pauses and (definition.is_halved or tuning.stops_early):
            curve = points_of(self.curves.known(trial.name)) or curve
        has_no_objective = trial.objective is None and trial.state.is_final
        return {
            "number": trial.number,
            "values": dict(trial.values),
            "state": "failed" if has_no_objective else _STATES[trial.state],
            "objective": trial.objective,
            "curve": curve,
        }

    def _send(
        self, tuning: TuningJob, definition: TuningDefinition, request: Mapping[str, Any], number: int | None
    ) -> None:
        assert tuning.key not in self._pending
        future = self.search.submit(request)
        self._pending[tuning.key] = request["op"], definition.name, number, future


def planned_trials(tuning: TuningJob, answer: Answer, *, first: int, count: int, at: dt.datetime) -> tuple[Trial, ...]:
    """Returns new trials with the values of an answer to ``ask_values``, at most ``count``. Raises SearchError.

    ``first``: the number of the first one.
    """
    definition = next(one for one in tuning.definitions if one.name == answer.definition)
    try:
        values = [texts_of(definition.dimensions, each["values"]) for each in answer.values["trials"][:count]]
    except (KeyError, ValueError, TypeError) as error:
        raise SearchError(f"the search has proposed values that are not in the ranges: {error}") from error
    return tuple(
        Trial(
            tuning=tuning.name,
            number=number,
            name=f"{tuning.name}-{number:03d}-{secrets.token_hex(_NAME_BYTES)}",
            values=each,
            created_at=at,
            definition=definition.name,
        )
        for number, each in enumerate(values, first)
    )


def _prior(trial: Trial) -> Mapping[str, Any]:
    return {
        "number": trial.number,
        "values": dict(trial.values),
        "state": "stopped" if trial.stop_reason else "complete",
        "objective": trial.objective,
        "curve": [],
    }
