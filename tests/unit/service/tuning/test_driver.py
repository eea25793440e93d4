"""A tuning job from its creation to its end, and over kills of the server between any two steps."""

from typing import Any

import pytest
from sqlalchemy import text
from tuning_world import TuningWorld, definition, script_definition, tuning_request

from naiad.service.domain.errors import NotFound, Unavailable
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.domain.tuning import Trial, TrialState, TuningStatus
from naiad.service.jobs.pause import pause_message
from naiad.service.store.port import JobQuery
from naiad.service.tuning.search import SearchError


def limits(most: int, parallel: int = 2) -> dict[str, int]:
    return {"MaxNumberOfTrainingJobs": most, "MaxParallelTrainingJobs": parallel}


def rate(trial: Trial) -> float:
    return float(trial.values["lr"])


def job_names(world: TuningWorld) -> list[str]:
    return [job.name for job in world.jobs.find(JobQuery(JobKind.TRAINING)).jobs]


def pausing_request(**changed: Any) -> dict[str, Any]:
    source = definition(StaticHyperParameters={"epochs": "9"})
    return tuning_request(source=source, Strategy="Bayesian", **changed)


def test_trials_are_training_jobs_with_their_values(world: TuningWorld) -> None:
    request = {**tuning_request(), "Tags": [{"Key": "team", "Value": "moon"}]}
    tuning = world.create(request)
    world.run_to_end(rate)
    trials = world.trials()
    assert [trial.number for trial in trials] == [1, 2, 3, 4]
    assert all(trial.name.startswith(f"tune-{trial.number:03d}-") and len(trial.name) == 17 for trial in trials)
    job = world.job(1)
    assert job.request["HyperParameters"] == {**trials[0].values, "_tuning_objective_metric": "validation:loss"}
    assert job.request["TuningJobArn"] == tuning.arn
    assert job.creator is not None
    assert job.creator.access_key == "AKIA"
    assert world.store.tags(job.arn) == {"team": "moon"}
    assert world.tuning().status is TuningStatus.COMPLETED
    assert [trial.objective for trial in trials] == [rate(trial) for trial in trials]
    assert world.tuning().detail.ended_at == world.clock.time


def test_no_more_trials_run_at_once_than_allowed(world: TuningWorld) -> None:
    world.create(tuning_request(ResourceLimits=limits(6, 1)))
    world.tick(10)
    assert len(world.trials()) == 1
    world.log(1, 0.5)
    world.report(1, Phase.COMPLETED)
    world.tick(5)
    assert [trial.state for trial in world.trials()] == [TrialState.COMPLETED, TrialState.ACTIVE]


def test_the_search_gets_the_whole_history(world: TuningWorld) -> None:
    world.create(tuning_request(ResourceLimits=limits(3, 1), RandomSeed=7))
    world.run_to_end(rate)
    first, *_, last = [one for one in world.search.requests if one["op"] == "suggest"]
    assert (first["seed"], first["strategy"], first["direction"], first["trials"]) == (7, "random", "minimize", [])
    assert first["space"] == [{"name": "lr", "type": "continuous", "low": 0.01, "high": 1.0, "scale": "linear"}]
    assert [one["state"] for one in last["trials"]] == ["complete", "complete"]
    assert last["trials"][0]["curve"] == []
    assert last["start_number"] == 3


def test_a_failed_trial_is_recorded_and_the_search_goes_on(world: TuningWorld) -> None:
    world.create(tuning_request(ResourceLimits=limits(2, 1)))
    world.tick(4)
    world.report(1, Phase.FAILED, reason="AlgorithmError: no")
    world.tick(4)
    assert (world.trials()[0].state, world.trials()[0].failure_reason) == (TrialState.FAILED, "AlgorithmError: no")
    world.run_to_end(rate)
    assert world.tuning().status is TuningStatus.COMPLETED
    assert [one["state"] for one in world.search.requests[-1]["trials"]] == ["failed"]


def test_a_job_that_is_refused_is_a_failed_trial(world: TuningWorld) -> None:
    world.create(tuning_request(source=script_definition(), ResourceLimits=limits(1)))
    world.jobs.blobs.delete("data", "code.tar.gz")
    world.tick(3)
    [trial] = world.trials()
    assert trial.state is TrialState.FAILED
    assert "there is no such object" in (trial.failure_reason or "")
    assert world.tuning().status is TuningStatus.FAILED


def test_a_stop_stops_running_and_waiting_trials(world: TuningWorld) -> None:
    world.create(tuning_request(ResourceLimits=limits(9, 4)))
    world.tick(4)
    world.service.stop("tune")
    world.service.stop("tune")
    assert world.tuning().status is TuningStatus.STOPPING
    world.tick(6)
    assert world.tuning().status is TuningStatus.STOPPED
    assert {trial.state for trial in world.trials()} == {TrialState.STOPPED}
    assert len(world.trials()) == 4


def test_a_job_that_the_user_has_deleted_ends_its_trial(world: TuningWorld) -> None:
    world.create(tuning_request(ResourceLimits=limits(1)))
    world.tick(3)
    world.jobs.stop(JobKind.TRAINING, world.trials()[0].name)
    world.supervisor.tick()
    world.supervisor.tick()
    world.jobs.delete(JobKind.TRAINING, world.trials()[0].name)
    world.tick(3)
    assert world.trials()[0].state is TrialState.STOPPED
    assert world.tuning().status is TuningStatus.COMPLETED


def test_a_paused_trial_gives_its_cores_back_and_goes_on_when_it_is_promoted(world: TuningWorld) -> None:
    world.create(pausing_request(ResourceLimits=limits(3, 1)))
    world.tick(4)
    for number, objective in enumerate((0.5, 0.3, 0.4), 1):
        assert world.job(number).request["HyperParameters"]["_naiad_pause_at_epochs"] == "1,3"
        assert world.job(number).request["CheckpointConfig"]["S3Uri"] == (
            f"s3://data/out/{world.job(number).name}/checkpoints/"
        )
        world.log(number, objective)
        world.report(number, Phase.PAUSED, message=pause_message(1))
        world.tick(5)
        assert world.job(number).status == "InProgress"
    assert [trial.rungs for trial in world.trials()] == [{1: 0.5}, {1: 0.3}, {1: 0.4}]
    promoted = world.job(2)
    assert (promoted.attempt, promoted.phase) == (2, Phase.STARTING)
    assert [world.job(number).phase for number in (1, 3)] == [Phase.PAUSED, Phase.PAUSED]
    world.log(2, 0.2)
    world.report(2, Phase.PAUSED, message=pause_message(3))
    world.tick(5)
    assert (world.job(2).attempt, world.trials()[1].rungs) == (3, {1: 0.3, 3: 0.2})
    world.log(2, 0.1)
    world.report(2, Phase.COMPLETED)
    world.tick(8)
    assert world.tuning().status is TuningStatus.COMPLETED
    assert [trial.state for trial in world.trials()] == [TrialState.STOPPED, TrialState.COMPLETED, TrialState.STOPPED]
    assert [trial.objective for trial in world.trials()] == [0.5, 0.1, 0.4]
    assert world.search.requests[-1]["trials"][0]["curve"] == [[1, 0.5]]


def test_the_checkpoints_of_paused_trials_are_removed_at_their_end(world: TuningWorld) -> None:
    world.create(pausing_request(ResourceLimits=limits(1, 1)))
    world.tick(4)
    key = f"out/{world.trials()[0].name}/checkpoints/step-1"
    world.jobs.blobs.put("data", key, [b"x"])
    world.log(1, 0.5)
    world.report(1, Phase.COMPLETED)
    world.tick(5)
    assert world.tuning().status is TuningStatus.COMPLETED
    with pytest.raises(NotFound):
        world.jobs.blobs.head("data", key)


def test_an_explicit_off_lets_every_trial_run_to_its_end(world: TuningWorld) -> None:
    world.create(pausing_request(TrainingJobEarlyStoppingType="Off"))
    world.tick(4)
    assert "_naiad_pause_at_epochs" not in world.job(1).request["HyperParameters"]
    assert "CheckpointConfig" not in world.job(1).request


def test_early_stopping_stops_a_trial_that_the_search_names(world: TuningWorld) -> None:
    request = tuning_request(
        source=script_definition(), TrainingJobEarlyStoppingType="Auto", ResourceLimits=limits(7, 1)
    )
    world.create(request)
    world.search.answers["should_stop"] = {"stop": True, "reason": "worse than the median"}
    for number in range(1, 6):
        world.tick(4)
        world.log(number, 0.5)
        world.report(number, Phase.COMPLETED)
    world.tick(5)
    assert world.trials()[5].stop_reason == ""
    world.log(6, 0.9)
    world.tick(5)
    stopped = world.trials()[5]
    assert (stopped.state, stopped.stop_reason) == (TrialState.STOPPED, "early stopping: worse than the median")
    assert stopped.objective == 0.9
    asked = [one for one in world.search.requests if one["op"] == "should_stop"]
    assert [one["number"] for one in asked] == [6]
    assert [one["curve"] for one in asked[0]["trials"]] == [*([[[1, 0.5]]] * 5), [[1, 0.9]]]


def test_convergence_is_asked_for_and_completes(world: TuningWorld) -> None:
    criteria = {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}
    world.create(tuning_request(TuningJobCompletionCriteria=criteria, ResourceLimits=limits(50, 1)))
    world.search.answers["convergence"] = {"converged": True, "expected_gain": 0.0}
    world.run_to_end(rate)
    assert world.tuning().status is TuningStatus.COMPLETED
    assert world.tuning().detail.converged_at is not None
    assert len(world.trials()) < 10


def test_errors_of_the_search_end_the_tuning_job_after_three_tries(world: TuningWorld) -> None:
    world.create(tuning_request())
    world.search.answers["suggest"] = SearchError("no torch")
    world.tick(8)
    assert world.tuning().status is TuningStatus.FAILED
    assert world.tuning().detail.failure_reason == "InternalServerError: no torch"
    assert len(world.search.requests) == 3


def test_one_error_of_the_search_is_no_end(world: TuningWorld) -> None:
    world.create(tuning_request(ResourceLimits=limits(2)))
    world.search.answers["suggest"] = {"trials": [{"number": 1, "values": {"lr": 7.0}}]}
    world.tick(3)
    del world.search.answers["suggest"]
    world.run_to_end(rate)
    assert world.tuning().status is TuningStatus.COMPLETED


def test_a_grid_ends_when_the_search_has_no_more(world: TuningWorld) -> None:
    world.create(tuning_request(ResourceLimits=limits(9)))
    world.search.answers["suggest"] = {"trials": [{"number": 1, "values": {"lr": 0.5}}], "is_exhausted": True}
    world.run_to_end(rate)
    assert len(world.trials()) == 1


def test_nothing_moves_while_another_server_may_have_the_store(world: TuningWorld) -> None:
    class LostLock:
        def is_held(self) -> bool:
            return False

        def reacquire(self) -> None:
            raise Unavailable("lost")

        def release(self) -> None: ...

    world.create(tuning_request())
    world.driver.store_lock = LostLock()
    world.tick(5)
    assert world.trials() == ()


def test_a_paused_job_that_no_tuning_job_knows_is_stopped_at_the_start(world: TuningWorld) -> None:
    """A restored database may be older than the jobs that are found in their folders."""
    world.create(pausing_request(ResourceLimits=limits(9, 2)))
    world.tick(4)
    for number in (1, 2):
        world.log(number, 0.5)
        world.report(number, Phase.PAUSED, message=pause_message(1))
        world.tick(6)
    names = [trial.name for trial in world.trials()[:2]]
    with world.store._database.begin() as connection:
        connection.execute(text("DELETE FROM naiad_tuning_trials WHERE number = 1"))
    world.restart()
    world.tick()
    jobs = [world.jobs.describe(JobKind.TRAINING, name) for name in names]
    assert [job.phase for job in jobs] == [Phase.STOPPED, Phase.PAUSED]


def test_many_trials_are_asked_for_in_several_requests(world: TuningWorld) -> None:
    """A Gaussian process may take minutes for a hundred values."""
    world.create(tuning_request(ResourceLimits=limits(20, 20)))
    world.tick(12)
    counts = [one["count"] for one in world.search.requests]
    assert (max(counts), sum(counts)) == (8, 20)
    assert [trial.number for trial in world.trials()] == list(range(1, 21))
