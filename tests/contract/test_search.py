"""The contract of the search, on the process of the trainer and on the twin that tests use."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from tuning_world import InlineSearch

from naiad.service.compose import SEARCH_COMMAND
from naiad.service.tuning.ranges import read_dimensions, texts_of
from naiad.service.tuning.search import Search, SearchError, SearchProcess

RANGES = {
    "ContinuousParameterRanges": [
        {"Name": "lr", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"},
        {"Name": "momentum", "MinValue": "0.5", "MaxValue": "0.999", "ScalingType": "ReverseLogarithmic"},
    ],
    "IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "8", "ScalingType": "Linear"}],
    "CategoricalParameterRanges": [{"Name": "act", "Values": ['"relu"', '"gelu"']}],
}
DIMENSIONS = read_dimensions(RANGES, at="ParameterRanges")
SPACE = [one.to_json() for one in DIMENSIONS]


@pytest.fixture(scope="module", params=["inline", "process"])
def search(request: pytest.FixtureRequest) -> Iterator[Search]:
    made: Search = InlineSearch() if request.param == "inline" else SearchProcess(SEARCH_COMMAND)
    yield made
    made.close()


@pytest.fixture(scope="module")
def process() -> Iterator[Search]:
    made = SearchProcess(SEARCH_COMMAND)
    yield made
    made.close()


def ask(search: Search, op: str, **values: Any) -> dict[str, Any]:
    request = {"op": op, "space": SPACE, "direction": "minimize", "seed": 1, "trials": [], "prior": [], **values}
    return search.submit(request).result(timeout=240)


def trial(number: int, state: str = "complete", **changed: Any) -> dict[str, Any]:
    values = {"lr": f"{10 ** -(number % 4 + 0.5)}", "momentum": "0.9", "depth": str(number % 8 + 1), "act": '"relu"'}
    objective = abs(math.log10(float(values["lr"])) + 2) if state == "complete" else None
    return {"number": number, "values": values, "state": state, "objective": objective, "curve": [], **changed}


@pytest.mark.parametrize("strategy", ["random", "bayesian", "hyperband"])
@pytest.mark.parametrize("count", [0, 12])
def test_values_lie_in_the_ranges(search: Search, strategy: str, count: int) -> None:
    trials = [trial(number) for number in range(1, count + 1)] + [
        trial(count + 1, "running"),
        trial(count + 2, "failed"),
    ]
    answer = ask(
        search, "suggest", strategy=strategy, count=3, start_number=count + 3, trials=trials, prior=[trial(-1)]
    )
    assert [one["number"] for one in answer["trials"]] == [count + 3, count + 4, count + 5]
    texts = [texts_of(DIMENSIONS, one["values"]) for one in answer["trials"]]
    assert all(set(one) == {"lr", "momentum", "depth", "act"} for one in texts)
    assert not answer["is_exhausted"]


def test_a_grid_is_exhausted(process: Search) -> None:
    space = [
        {"name": "a", "type": "categorical", "values": ["x", "y"]},
        {"name": "b", "type": "categorical", "values": ["1"]},
    ]
    first = ask(process, "suggest", strategy="grid", count=5, start_number=1, space=space)
    assert sorted(one["values"]["a"] for one in first["trials"]) == ["x", "y"]
    assert first["is_exhausted"]
    known = [{**one, "state": "running", "objective": None, "curve": []} for one in first["trials"]]
    assert ask(process, "suggest", strategy="grid", count=1, start_number=3, space=space, trials=known)["trials"] == []


def test_the_same_request_has_the_same_answer(process: Search) -> None:
    request: dict[str, Any] = {"strategy": "bayesian", "count": 1, "start_number": 13}
    trials = [trial(number) for number in range(1, 13)]
    assert ask(process, "suggest", trials=trials, **request) == ask(process, "suggest", trials=trials, **request)


def test_the_median_rule_stops_a_trial_that_is_worse(process: Search) -> None:
    done = [trial(number, curve=[[1, 0.5], [2, 0.4], [3, 0.3]]) for number in range(1, 7)]
    worse = trial(7, "running", curve=[[1, 0.9], [2, 0.9]])
    better = trial(7, "running", curve=[[1, 0.3], [2, 0.2]])
    assert ask(process, "should_stop", number=7, trials=[*done, worse])["stop"] is True
    assert ask(process, "should_stop", number=7, trials=[*done, better])["stop"] is False


def test_a_search_without_spread_has_converged(process: Search) -> None:
    same = [trial(number, objective=0.5) for number in range(1, 13)]
    assert ask(process, "convergence", trials=same)["converged"] is True
    assert ask(process, "convergence", trials=same[:3])["converged"] is False


def test_a_request_that_cannot_be_answered_is_an_error(process: Search) -> None:
    with pytest.raises(SearchError, match="the search says"):
        ask(process, "suggest", strategy="none", count=1, start_number=1)
