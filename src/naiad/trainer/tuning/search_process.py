"""``python -m naiad.trainer.tuning.search_process``: the search for a program that loads neither torch nor Optuna.

JSON lines: a request on stdin, its answer on stdout, in order, until stdin ends. Nothing is kept between requests: each one
carries the whole history, so the process may be killed at any moment.

    {"op": "suggest", "space": […], "strategy": "bayesian", "direction": "maximize", "seed": 0, "count": 2,
     "trials": […], "prior": […], "start_number": 5, "max_s": 60}
                                         → {"trials": [{"number": 5, "values": {…}}, …], "is_exhausted": false}
    {"op": "should_stop", "direction": …, "trials": […], "number": 3}        → {"stop": true, "reason": "…"}
    {"op": "promote", "direction": …, "trials": […], "rungs": [1, 3, 9], "reduction": 3, "count": 1, "is_last": false}
                                         → {"numbers": [2]}   trials that go on; is_last: no trial will be begun any more
    {"op": "rungs", "epochs": 27, "reduction": 3}                            → {"rungs": [1, 3, 9]}
    {"op": "convergence", "space": […], "direction": …, "trials": […]}       → {"converged": false, "expected_gain": 0.01}
    {"op": "importance", "space": […], "direction": …, "trials": […]}        → {"importance": {"lr": 0.8, …}}

After ``max_s`` seconds ``suggest`` looks for no further trial: it answers with at least one, unless the space is exhausted.
What libraries print goes to stderr. A request that cannot be answered gives ``{"error": "one line"}``, and the next one is read.
"""

import contextlib
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TextIO

from naiad.errors import NaiadError, OptionError, describe_error, did_you_mean
from naiad.trainer.tuning.constraint import Constraint
from naiad.trainer.tuning.dimension import Dimension
from naiad.trainer.tuning.early_stopping import median_rule
from naiad.trainer.tuning.expected_gain import expect
from naiad.trainer.tuning.halving import REDUCTION, Rungs, best_waiting, make_rungs, promotable
from naiad.trainer.tuning.history import History
from naiad.trainer.tuning.optuna_study import compute_importance
from naiad.trainer.tuning.space import Space, make_space
from naiad.trainer.tuning.suggest import read_strategy, suggest
from naiad.trainer.tuning.trial import Direction, Trial, TrialState

Request = Mapping[str, Any]


def main(requests: TextIO | None = None, answers: TextIO | None = None) -> int:
    """Answers each line of ``requests`` (stdin) on ``answers`` (stdout), and returns 0 at their end."""
    requests, answers = requests or sys.stdin, answers or sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        for line in requests:
            if line.strip():
                answers.write(json.dumps(answer(line), allow_nan=False) + "\n")
                answers.flush()
    return 0


def answer(line: str) -> dict[str, Any]:
    """Returns the answer to a request, or its error."""
    try:
        request = json.loads(line)
        return _operation(request)(request)
    except NaiadError as error:
        return {"error": str(error) if error.hint is None else f"{error}; {error.hint}"}
    except Exception as error:  # noqa: BLE001  # reason: the process answers every request
        return {"error": describe_error(error)}


def _operation(request: Any) -> Callable[[Request], dict[str, Any]]:
    if not isinstance(request, dict):
        raise OptionError("a request is a JSON object")
    name = str(request.get("op"))
    if name not in _OPERATIONS:
        raise OptionError(f"op {name!r} is not known", hint=did_you_mean(name, _OPERATIONS))
    return _OPERATIONS[name]


def _suggest(request: Request) -> dict[str, Any]:
    trials = _read_trials(request.get("trials", ()))
    start = int(request.get("start_number", max((trial.number for trial in trials), default=-1) + 1))
    space, strategy = _read_space(request), read_strategy(request.get("strategy", "bayesian"))
    history = History(trials, _read_direction(request), _read_trials(request.get("prior", ())))
    deadline_s = time.monotonic() + float(request.get("max_s", math.inf))
    found: list[dict[str, Any]] = []
    for number in range(start, start + int(request.get("count", 1))):
        if found and time.monotonic() > deadline_s:
            break
        seed = int(request.get("seed", 0))
        suggestion = suggest(space, history, strategy=strategy, seed=seed, count=1, start_number=number)
        if suggestion.is_exhausted:
            return {"trials": found, "is_exhausted": True}
        [values] = suggestion.values
        found.append({"number": number, "values": values})
        history = history.with_running(number, values)
    return {"trials": found, "is_exhausted": False}


def _should_stop(request: Request) -> dict[str, Any]:
    decision = median_rule(_read_trials(request["trials"]), int(request["number"]), _read_direction(request))
    return {"stop": decision.is_stop, "reason": decision.reason}


def _promote(request: Request) -> dict[str, Any]:
    trials, direction = list(_read_trials(request["trials"])), _read_direction(request)
    rungs = Rungs(tuple(map(int, request["rungs"])), int(request.get("reduction", REDUCTION)))
    numbers: list[int] = []
    while len(numbers) < int(request.get("count", 1)):
        trial = promotable(trials, rungs, direction)
        if trial is None and request.get("is_last") and not numbers and not _is_running(trials):
            trial = best_waiting(trials, direction)
        if trial is None:
            break
        numbers.append(trial.number)
        index = trials.index(trial)
        trials[index] = replace(trial, state=TrialState.RUNNING, objective=None)
    return {"numbers": numbers}


def _rungs(request: Request) -> dict[str, Any]:
    rungs = make_rungs(int(request["epochs"]), reduction=int(request.get("reduction", REDUCTION)))
    return {"rungs": list(rungs.epochs)}


def _convergence(request: Request) -> dict[str, Any]:
    history = History(_read_trials(request["trials"]), _read_direction(request), _read_trials(request.get("prior", ())))
    expectation = expect(_read_space(request), history, seed=int(request.get("seed", 0)))
    return {"converged": expectation.is_converged, "expected_gain": expectation.gain}


def _importance(request: Request) -> dict[str, Any]:
    space, direction = _read_space(request), _read_direction(request)
    scored = History(_read_trials(request["trials"]), direction).scored(space)
    return {"importance": compute_importance(space, scored, direction)}


_OPERATIONS: Mapping[str, Callable[[Request], dict[str, Any]]] = {
    "suggest": _suggest,
    "should_stop": _should_stop,
    "promote": _promote,
    "rungs": _rungs,
    "convergence": _convergence,
    "importance": _importance,
}


def _is_running(trials: Sequence[Trial]) -> bool:
    return any(trial.state is TrialState.RUNNING for trial in trials)


def _read_space(request: Request) -> Space:
    dimensions = [Dimension.from_json(stored) for stored in request["space"]]
    return make_space(dimensions, [Constraint(str(text)) for text in request.get("constraints", ())])


def _read_direction(request: Request) -> Direction:
    name = str(request.get("direction", "maximize")).lower()
    if name not in {direction.value for direction in Direction}:
        raise OptionError(f"direction {name!r} is not known", hint="give maximize or minimize")
    return Direction(name)


def _read_trials(stored: Sequence[Mapping[str, Any]]) -> tuple[Trial, ...]:
    return tuple(Trial.from_json(one) for one in stored)


if __name__ == "__main__":
    sys.exit(main())
