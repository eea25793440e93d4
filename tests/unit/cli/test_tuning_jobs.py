"""``naiad jobs`` on tuning jobs, over a live gateway whose search and agents answer what the test tells them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tuning_world import InlineSearch, definition, tuning_request

from naiad.cli.main import main
from naiad.cli.run_command import SUCCESS, USAGE_ERROR
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.tuning.open import open_tuning_driver


def out(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = SUCCESS) -> str:
    assert main(["jobs", *arguments]) == status
    captured = capsys.readouterr()
    return captured.out if status == SUCCESS else captured.err


@pytest.fixture
def tune(service: Any) -> Callable[..., None]:
    """Creates a tuning job and ends its first trials: ``tune(objectives, **config)``; None is one that fails."""
    tunings = service.tunings
    driver = open_tuning_driver(tunings, tunings.jobs.store, InlineSearch())

    def run(objectives: list[float | None], **config: Any) -> None:
        source = definition(OutputDataConfig={"S3OutputPath": "s3://naiad/out"})
        request = tuning_request(source=source, **config)
        service.client("sagemaker").create_hyper_parameter_tuning_job(**request)
        for number, objective in enumerate(objectives, 1):
            for _ in range(4):
                driver.tick()
                service.tick()
            name = tunings.trials(tunings.describe("tune"))[number - 1].name
            job = service.jobs.describe(JobKind.TRAINING, name)
            folder = service.jobs.instances(job)[0].folder
            folder.mkdir(parents=True, exist_ok=True)
            line = {"name": "validation:loss", "value": objective, "time": 1}
            (folder / "metrics.jsonl").write_text(f"{json.dumps(line)}\n" if objective is not None else "")
            service.finish(name, Phase.COMPLETED if objective is not None else Phase.FAILED, "AlgorithmError: no")
        for _ in range(4):
            driver.tick()

    return run


LIMITS = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 1}


def test_a_list_shows_how_far_it_is_and_the_best_so_far(
    service: Any, tune: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tune([0.5, None, 0.25], ResourceLimits=LIMITS)
    [line] = out(capsys, "list", "--kind", "tuning").splitlines()[1:]
    assert "InProgress, 3 of 4 trials, best 0.25" in line
    assert len(out(capsys, "list").splitlines()) == 6
    [job] = json.loads(out(capsys, "list", "--kind", "tuning", "--json"))
    assert (job["Kind"], job["HyperParameterTuningJobName"]) == ("tuning", "tune")


def test_show_prints_the_trials_the_best_first(service: Any, tune: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tune([0.5, None, 0.25], ResourceLimits={**LIMITS, "MaxNumberOfTrainingJobs": 3})
    shown = out(capsys, "show", "tune")
    assert "status    Completed, 3 of 3 trials" in shown
    assert "search    Random" in shown
    names = [trial.name for trial in service.tunings.trials(service.tunings.describe("tune"))]
    assert f"best      {names[2]}, validation:loss 0.25" in shown
    rows = shown[shown.index("trial ") :].splitlines()[1:]
    assert [row.split()[0] for row in rows] == [names[2], names[0], names[1]]
    assert rows[2].split()[1:3] == ["Failed", "–"]
    assert rows[1].split()[3].startswith("lr=0.0")
    assert json.loads(out(capsys, "show", "tune", "--json"))["BestTrainingJob"]["TrainingJobName"] == names[2]


def test_show_says_what_of_a_grid_is_run(tune: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "2"]}, {"Name": "b", "Values": ["x", "y"]}]}
    tune([], Strategy="Grid", ParameterRanges=ranges, ResourceLimits={**LIMITS, "MaxNumberOfTrainingJobs": 9})
    assert "grid      4 of 4 combinations are run" in out(capsys, "show", "tune")


def test_a_failed_one_says_why(tune: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tune([None], ResourceLimits={**LIMITS, "MaxNumberOfTrainingJobs": 1})
    assert "failed    No training job succeeded after 1 attempts." in out(capsys, "show", "tune")


def test_stop_delete_and_logs(service: Any, tune: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tune([], ResourceLimits=LIMITS)
    assert "is InProgress; stop it" in out(capsys, "delete", "tune", status=USAGE_ERROR)
    assert "has no log of its own" in out(capsys, "logs", "tune", status=USAGE_ERROR)
    out(capsys, "stop", "tune")
    assert service.tunings.describe("tune").status == "Stopping"
