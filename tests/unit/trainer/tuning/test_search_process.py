"""The search for other programs: lines of JSON in and out."""

import io
import json
import subprocess
import sys

import pytest

from naiad.trainer.tuning.search_process import answer, main

SPACE = [
    {"name": "lr", "type": "continuous", "low": 0.001, "high": 1, "scale": "log"},
    {"name": "depth", "type": "integer", "low": 1, "high": 4, "scale": "linear"},
    {"name": "kind", "type": "categorical", "values": ["a", "b"]},
]


def ask(**request):
    return answer(json.dumps(request))


def trial(number, score, state="complete", **values):
    return {
        "number": number,
        "values": {"lr": "0.1", "depth": 2, "kind": "a", **values},
        "state": state,
        "objective": score,
    }


@pytest.mark.parametrize("strategy", ["bayesian", "random", "grid", "hyperband", "tpe", "qmc"])
def test_suggestions_are_numbered_and_typed(strategy):
    found = ask(
        op="suggest", space=SPACE, strategy=strategy, direction="maximize", seed=3, count=2, trials=[trial(0, 0.5)]
    )
    assert found["is_exhausted"] is False
    assert [one["number"] for one in found["trials"]] == [1, 2]
    for one in found["trials"]:
        assert isinstance(one["values"]["lr"], float)
        assert isinstance(one["values"]["depth"], int)
        assert one["values"]["kind"] in ("a", "b")


def test_a_request_with_too_little_time_gets_fewer_trials():
    request = {"op": "suggest", "space": SPACE, "strategy": "random", "seed": 1, "count": 5, "start_number": 7}
    some, all_ = ask(**request, max_s=0), ask(**request)
    assert [one["number"] for one in some["trials"]] == [7]
    assert some["trials"] == all_["trials"][:1]
    assert (len(all_["trials"]), some["is_exhausted"]) == (5, False)


def test_a_finite_space_is_exhausted():
    found = ask(op="suggest", space=SPACE[2:], strategy="random", count=3, start_number=1)
    assert sorted(one["values"]["kind"] for one in found["trials"]) == ["a", "b"]
    assert found["is_exhausted"] is True


def test_what_a_library_prints_is_no_answer(monkeypatch, capfd):
    def talkative(request):
        print("a library says hello")
        return {"rungs": []}

    monkeypatch.setattr("naiad.trainer.tuning.search_process._OPERATIONS", {"rungs": talkative})
    main(io.StringIO('{"op": "rungs"}\n'))
    out, err = capfd.readouterr()
    assert (json.loads(out), err) == ({"rungs": []}, "a library says hello\n")


def test_the_same_request_has_the_same_answer():
    request = {
        "op": "suggest",
        "space": SPACE,
        "seed": 1,
        "trials": [trial(n, n / 20, lr=0.01 * (n + 1)) for n in range(12)],
    }
    assert ask(**request) == ask(**request)


def test_early_stopping():
    trials = [{**trial(n, n / 10), "curve": [[1, n / 10], [2, n / 10]]} for n in range(5)]
    bad = {**trial(9, None, "running"), "curve": [[1, 0.0], [2, 0.0]]}
    found = ask(op="should_stop", direction="maximize", trials=[*trials, bad], number=9)
    assert found["stop"] is True
    assert "median" in found["reason"]


def test_promotions():
    trials = [{**trial(n, None, "paused"), "curve": [[1, n / 10]]} for n in range(6)]
    request = {"op": "promote", "direction": "maximize", "trials": trials, "rungs": [1, 3], "count": 5}
    assert ask(**request) == {"numbers": [5, 4]}
    assert ask(**{**request, "trials": trials[:2]}) == {"numbers": []}
    assert ask(**{**request, "trials": trials[:2]}, is_last=True) == {"numbers": [1]}
    assert ask(op="rungs", epochs=27) == {"rungs": [1, 3, 9]}


def test_convergence_and_importance():
    trials = [trial(n, -abs(n - 6) / 10, lr=0.001 * 1.7**n) for n in range(12)]
    found = ask(op="convergence", space=SPACE, direction="maximize", trials=trials)
    assert set(found) == {"converged", "expected_gain"}
    assert found["expected_gain"] >= 0
    assert set(ask(op="importance", space=SPACE, direction="maximize", trials=trials)["importance"]) == {
        "lr",
        "depth",
        "kind",
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "JSONDecodeError"),
        ("[]", "a request is a JSON object"),
        ('{"op": "sugest"}', "did you mean 'suggest'"),
        ('{"op": "suggest"}', "space"),
        ('{"op": "suggest", "space": [{"name": "x"}]}', "is no dimension"),
        (json.dumps({"op": "suggest", "space": SPACE, "strategy": "magic"}), "'magic' is not known"),
        (json.dumps({"op": "suggest", "space": SPACE, "direction": "up"}), "maximize or minimize"),
        (json.dumps({"op": "suggest", "space": SPACE, "trials": [{"number": 1}]}), "is no trial"),
    ],
)
def test_a_request_that_cannot_be_answered_has_its_error(line, message):
    found = answer(line)
    assert set(found) == {"error"}
    assert message in found["error"]
    assert "\n" not in found["error"]


def test_lines_are_answered_in_order():
    answers = io.StringIO()
    lines = [json.dumps({"op": "rungs", "epochs": 3}), "", "nonsense", json.dumps({"op": "rungs", "epochs": 1})]
    assert main(io.StringIO("\n".join(lines) + "\n"), answers) == 0
    found = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert [next(iter(one)) for one in found] == ["rungs", "error", "rungs"]


def test_the_process_answers_and_ends_with_its_input():
    request = json.dumps({"op": "suggest", "space": SPACE, "count": 1, "strategy": "random"}) + "\n"
    done = subprocess.run(
        [sys.executable, "-m", "naiad.trainer.tuning.search_process"],
        input=request, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert json.loads(done.stdout)["trials"][0]["number"] == 0
