from typing import Any

import pytest
from tuning_world import RANGES, TuningWorld, definition, tuning_request

from naiad.service.domain.errors import Invalid
from naiad.service.tuning.autotune import resolve_autotune
from naiad.service.tuning.request import check_tuning

PARALLEL = {"MaxParallelTrainingJobs": 2}


def autotuned(*hints: tuple[str, str], **config: Any) -> dict[str, Any]:
    ranges = {"AutoParameters": [{"Name": name, "ValueHint": hint} for name, hint in hints]} if hints else None
    request = tuning_request(**{"ParameterRanges": ranges, "ResourceLimits": PARALLEL, **config})
    return {**request, "Autotune": {"Mode": "Enabled"}}


@pytest.mark.parametrize(
    ("hint", "kind", "ends"),
    [
        ("0.01", "Continuous", ("0.001", "0.1")),
        ("0.3", "Continuous", ("0.03", "1.0")),
        ("20.0", "Continuous", ("2.0", "200.0")),
        ("-2.0", "Continuous", ("-20.0", "-0.2")),
        ("0.0", "Continuous", ("0.0", "1.0")),
        ("32", "Integer", ("3", "320")),
        ("1", "Integer", ("1", "10")),
        ("0", "Integer", ("0", "1")),
        ("1e-3", "Continuous", ("0.0001", "0.01")),
    ],
)
def test_a_number_is_searched_around_its_hint(hint: str, kind: str, ends: tuple[str, str]) -> None:
    resolved = resolve_autotune(autotuned(("x", hint)))
    [entry] = resolved["HyperParameterTuningJobConfig"]["ParameterRanges"][f"{kind}ParameterRanges"]
    assert (entry["MinValue"], entry["MaxValue"]) == ends
    assert check_tuning(resolved)


def test_other_hints_are_categories() -> None:
    hints = (("a", "true"), ("b", "adam"), ("sagemaker_container_log_level", "20"))
    ranges = resolve_autotune(autotuned(*hints))["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert [one["Values"] for one in ranges["CategoricalParameterRanges"]] == [["true", "false"], ["adam"], ["20"]]
    assert len(ranges["AutoParameters"]) == 3


def test_limits_and_criteria_are_chosen_where_they_are_missing() -> None:
    config = resolve_autotune(autotuned(("x", "1")))["HyperParameterTuningJobConfig"]
    assert config["ResourceLimits"] == {"MaxNumberOfTrainingJobs": 30, **PARALLEL}
    assert config["TrainingJobEarlyStoppingType"] == "Auto"
    assert config["TuningJobCompletionCriteria"]["ConvergenceDetected"] == {"CompleteOnConvergence": "Enabled"}
    given = {"TargetObjectiveMetricValue": 0.1}
    kept = resolve_autotune(
        autotuned(("x", "1"), TuningJobCompletionCriteria=given, TrainingJobEarlyStoppingType="Off")
    )
    config = kept["HyperParameterTuningJobConfig"]
    assert (config["TuningJobCompletionCriteria"], config["TrainingJobEarlyStoppingType"]) == (given, "Off")
    assert config["ResourceLimits"] == PARALLEL
    assert kept["TrainingJobDefinition"]["RetryStrategy"] == {"MaximumRetryAttempts": 3}


def test_the_trainer_needs_no_hints(world: TuningWorld) -> None:
    source = definition(StaticHyperParameters={"plan.batch_size": "32"})
    tuning = world.create({**autotuned(), "TrainingJobDefinition": source})
    names = [one.name for one in tuning.definitions[0].dimensions]
    assert names == ["plan.learning_rate", "plan.weight_decay"]


def test_hints_without_autotune_are_refused() -> None:
    request = autotuned(("x", "1"))
    del request["Autotune"]
    with pytest.raises(Invalid, match="AutoParameters needs Autotune"):
        resolve_autotune(request)
    assert resolve_autotune(tuning_request(ParameterRanges=RANGES)) == tuning_request(ParameterRanges=RANGES)


def test_hints_in_the_ranges_of_the_definition_are_made_ranges_there() -> None:
    hints = {"AutoParameters": [{"Name": "lr", "ValueHint": "0.01"}]}
    resolved = resolve_autotune(
        autotuned(ParameterRanges=None) | {"TrainingJobDefinition": definition(HyperParameterRanges=hints)}
    )
    [checked] = check_tuning(resolved)
    assert [one.name for one in checked.dimensions] == ["lr"]
