"""The state machine of a tuning job, by itself."""

from typing import Any

import pytest
from tuning_world import definition, make_trial, make_tuning, script_definition, tuning_request

from naiad.service.domain.tuning import Trial, TrialState, TuningStatus
from naiad.service.tuning.closing import Closing, find_closing, not_improving
from naiad.service.tuning.decisions import Decision, decide
from naiad.service.tuning.tuning_job import TuningDetail, TuningJob

PLANNED, RUNNING, PAUSED = TrialState.PLANNED, TrialState.ACTIVE, TrialState.PAUSED
COMPLETED, FAILED, STOPPED = TrialState.COMPLETED, TrialState.FAILED, TrialState.STOPPED


def random_job(**changed: Any) -> TuningJob:
    return make_tuning(tuning_request(source=script_definition(), **changed))


def pausing_job(**changed: Any) -> TuningJob:
    source = definition(StaticHyperParameters={"epochs": "27"})
    return make_tuning(tuning_request(source=source, Strategy="Bayesian", **changed))


def limits(most: int | None, parallel: int = 2, **more: int) -> dict[str, int]:
    return {**({"MaxNumberOfTrainingJobs": most} if most else {}), "MaxParallelTrainingJobs": parallel, **more}


def decision(tuning: TuningJob, *trials: Trial, elapsed_s: float = 0.0) -> Decision:
    return decide(tuning, trials, elapsed_s=elapsed_s)


def paused(number: int, objective: float, epoch: int = 1) -> Trial:
    rungs = {at: objective for at in (1, 3, 9) if at <= epoch}
    return make_trial(number, PAUSED, objective, rungs=rungs)


def test_free_places_get_new_trials_up_to_the_limit() -> None:
    tuning = random_job()
    assert decision(tuning).wanted == {"": 2}
    assert decision(tuning, make_trial(1)).wanted == {"": 1}
    assert decision(tuning, make_trial(1), make_trial(2, PLANNED)).wanted == {}
    ended = [make_trial(number, COMPLETED, 1.0) for number in (1, 2, 3)]
    assert decision(tuning, *ended).wanted == {"": 1}


def test_it_completes_when_all_trials_have_ended() -> None:
    tuning, ended = random_job(), [make_trial(number, COMPLETED, 1.0) for number in (1, 2, 3)]
    assert decision(tuning, *ended, make_trial(4)) == Decision()
    assert decision(tuning, *ended, make_trial(4, FAILED)).end is TuningStatus.COMPLETED


def test_several_definitions_take_turns() -> None:
    request = tuning_request(ResourceLimits=limits(6, 4), HyperParameterTuningJobObjective=None, ParameterRanges=None)
    objective = {"Type": "Minimize", "MetricName": "validation:loss"}
    both = [
        script_definition(DefinitionName=name, TuningObjective=objective, HyperParameterRanges={})
        for name in ("a", "b")
    ]
    del request["TrainingJobDefinition"]
    tuning = make_tuning({**request, "TrainingJobDefinitions": both})
    assert decision(tuning).wanted == {"a": 2, "b": 2}
    assert decision(tuning, make_trial(1, definition="a")).wanted == {"a": 1, "b": 2}


def test_a_stop_request_stops_everything() -> None:
    tuning = make_tuning(tuning_request(), TuningStatus.STOPPING)
    trials = [make_trial(1), make_trial(2, COMPLETED, 1.0), make_trial(3, PAUSED, 0.1, rungs={1: 0.1})]
    assert set(decision(tuning, *trials).stop) == {1, 3}
    assert decision(tuning, trials[1]).end is TuningStatus.STOPPED


@pytest.mark.parametrize(
    ("changed", "trials", "elapsed_s", "closing"),
    [
        ({"ResourceLimits": limits(9, MaxRuntimeInSeconds=120)}, [], 121.0, Closing.TIME_OVER),
        ({"ResourceLimits": limits(9, MaxRuntimeInSeconds=120)}, [], 119.0, None),
        (
            {"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 0.5}},
            [make_trial(1, COMPLETED, 0.5)],
            0.0,
            Closing.TARGET_REACHED,
        ),
        (
            {"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 0.5}},
            [make_trial(1, COMPLETED, 0.51)],
            0.0,
            None,
        ),
        (
            {
                "ResourceLimits": limits(9),
                "TuningJobCompletionCriteria": {
                    "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}
                },
            },
            [make_trial(1, COMPLETED, 0.1), *(make_trial(number, COMPLETED, 0.2) for number in (2, 3, 4))],
            0.0,
            Closing.NOT_IMPROVING,
        ),
    ],
)
def test_limits_and_criteria(
    changed: dict[str, Any], trials: list[Trial], elapsed_s: float, closing: Closing | None
) -> None:
    tuning = random_job(**changed)
    assert find_closing(tuning, trials, elapsed_s=elapsed_s) is closing
    if closing is not None:
        running = make_trial(8)
        assert decide(tuning, [*trials, running], elapsed_s=elapsed_s).stop == {8: closing.value}
        assert decide(tuning, trials, elapsed_s=elapsed_s).end is TuningStatus.COMPLETED


def test_convergence_completes() -> None:
    tuning = make_tuning(tuning_request(), detail=TuningDetail(converged_at=make_trial(1).created_at))
    assert decision(tuning, make_trial(1, COMPLETED, 1.0)).end is TuningStatus.COMPLETED


def test_trials_since_the_best_are_counted_in_the_order_of_their_ends() -> None:
    tuning = random_job()
    trials = [make_trial(number, COMPLETED, value) for number, value in ((3, 0.1), (1, 0.3), (2, 0.2), (4, 0.4))]
    assert not_improving(tuning, trials) == 1
    assert not_improving(tuning, []) == 0


@pytest.mark.parametrize(
    ("kind", "values", "count"),
    [
        ("Minimize", [1.0, 0.995, 0.991], 2),
        ("Minimize", [1.0, 0.98, 0.975], 1),
        ("Maximize", [0.90, 0.905, 0.907], 2),
        ("Maximize", [0.90, 0.91], 0),
        ("Minimize", [-1.0, -1.005, -1.02], 0),
        ("Minimize", [0.0, -1e-9], 0),
        ("Minimize", [0.5, 0.5], 1),
    ],
)
def test_an_improvement_is_one_of_a_hundredth(kind: str, values: list[float], count: int) -> None:
    """AWS's model: training jobs that have failed to improve by 1% or greater over prior training jobs."""
    tuning = random_job(HyperParameterTuningJobObjective={"Type": kind, "MetricName": "validation:loss"})
    trials = [make_trial(number, COMPLETED, value) for number, value in enumerate(values, 1)]
    assert not_improving(tuning, trials) == count


def test_it_fails_without_success_after_five_trials() -> None:
    tuning = random_job(ResourceLimits=limits(20))
    failed = [make_trial(number, FAILED, failure_reason="AlgorithmError: no") for number in range(1, 6)]
    assert decision(tuning, *failed[:4]).wanted == {"": 2}
    after = decision(tuning, *failed)
    assert after.end is TuningStatus.FAILED
    assert (after.failure_reason or "").startswith("No training job succeeded after 5 attempts.")
    assert "tune-001-00000000: AlgorithmError: no" in (after.failure_reason or "")
    assert decision(tuning, *failed, make_trial(6, COMPLETED, 1.0)).wanted == {"": 2}


def test_it_fails_when_no_log_has_the_objective() -> None:
    after = decision(random_job(ResourceLimits=limits(1)), make_trial(1, COMPLETED))
    assert after.end is TuningStatus.FAILED
    assert "has no value of the objective metric 'validation:loss'" in (after.failure_reason or "")


def test_a_search_that_cannot_go_on_fails() -> None:
    tuning = make_tuning(tuning_request(), detail=TuningDetail(failure_reason="InternalServerError: no torch"))
    assert set(decision(tuning, make_trial(1)).stop) == {1}
    after = decision(tuning, make_trial(1, STOPPED))
    assert (after.end, after.failure_reason) == (TuningStatus.FAILED, "InternalServerError: no torch")


def grid_job(most: int | None) -> TuningJob:
    ranges = {"CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "2"]}, {"Name": "b", "Values": ["x", "y"]}]}
    return random_job(Strategy="Grid", ResourceLimits=limits(most, 9), ParameterRanges=ranges)


def test_a_grid_runs_each_combination_once() -> None:
    for most in (None, 4, 10):
        assert decision(grid_job(most)).wanted == {"": 4}
        assert (
            decision(grid_job(most), *(make_trial(n, COMPLETED, 1.0) for n in range(1, 5))).end
            is TuningStatus.COMPLETED
        )
    assert decision(grid_job(3)).wanted == {"": 3}


def test_an_exhausted_search_starts_no_further_trials() -> None:
    tuning = make_tuning(tuning_request(), detail=TuningDetail(exhausted=("",)))
    assert decision(tuning, make_trial(1)) == Decision()
    assert decision(tuning, make_trial(1, COMPLETED, 1.0)).end is TuningStatus.COMPLETED


def test_a_paused_trial_gives_its_place_to_others_and_the_best_third_goes_on_first() -> None:
    tuning = pausing_job(ResourceLimits=limits(9, 1))
    assert decision(tuning, paused(1, 0.5)).wanted == {"": 1}
    three = [paused(1, 0.5), paused(2, 0.3), paused(3, 0.4)]
    assert decision(tuning, *three).resume == {2: "promoted: among the best at epoch 1"}
    assert decision(tuning, *three).wanted == {}
    assert decision(tuning, *three, make_trial(4)) == Decision()


def test_a_paused_trial_that_has_reached_the_target_goes_on_at_once() -> None:
    tuning = pausing_job(TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 0.5})
    assert set(decision(tuning, paused(1, 0.4), paused(2, 0.9)).resume) == {1}


def test_at_the_end_the_best_trial_runs_to_its_end_and_the_others_are_stopped() -> None:
    tuning = pausing_job(ResourceLimits=limits(2, 1))
    two = [paused(1, 0.5), paused(2, 0.3)]
    assert decision(tuning, *two).resume == {2: "promoted: the best of all trials runs to its end"}
    done = make_trial(2, COMPLETED, 0.2)
    assert decision(tuning, two[0], done).stop == {1: "others were better at the same epoch"}
    assert decision(tuning, make_trial(1, STOPPED, 0.5), done).end is TuningStatus.COMPLETED
    worse = make_trial(2, COMPLETED, 0.9)
    assert set(decision(tuning, two[0], worse).resume) == {1}


def test_a_criterion_keeps_the_best_trial_and_stops_the_others() -> None:
    tuning = make_tuning(pausing_job().entity.request, detail=TuningDetail(converged_at=make_trial(1).created_at))
    after = decision(tuning, paused(1, 0.5), paused(2, 0.3), make_trial(3))
    assert (set(after.stop), set(after.resume)) == ({1, 3}, {2})
    resumed = make_trial(2, RUNNING, 0.3, rungs={1: 0.3})
    assert decision(tuning, resumed).stop == {}


def test_the_time_limit_stops_the_best_trial_too() -> None:
    tuning = pausing_job(ResourceLimits=limits(9, MaxRuntimeInSeconds=120))
    assert set(decision(tuning, paused(1, 0.5), make_trial(2), elapsed_s=121).stop) == {1, 2}


def test_a_pause_without_an_objective_ends_the_trial() -> None:
    tuning = pausing_job(ResourceLimits=limits(1))
    lost = make_trial(1, PAUSED)
    reason = decision(tuning, lost, make_trial(2)).stop[1]
    assert decision(tuning, make_trial(1, STOPPED, stop_reason=reason)).end is TuningStatus.FAILED


def hyperband_job(**config: int) -> TuningJob:
    strategy = {"HyperbandStrategyConfig": config} if config else None
    source = script_definition(StaticHyperParameters={"epochs": "9"})
    return make_tuning(
        tuning_request(source=source, Strategy="Hyperband", StrategyConfig=strategy, ResourceLimits=limits(9, 9))
    )


def test_hyperband_stops_programs_that_cannot_pause() -> None:
    trials = [make_trial(number, rungs={1: value}) for number, value in enumerate((0.5, 0.9, 0.1), 1)]
    assert decision(hyperband_job(), *trials).stop == dict.fromkeys((1, 2), "others were better at epoch 1")
    running_on = make_trial(4, rungs={1: 0.01, 10: 0.01})
    assert decision(hyperband_job(MaxResource=9), running_on).stop == {4: "it has run for MaxResource epochs"}
    assert decision(hyperband_job(), running_on).stop == {}
