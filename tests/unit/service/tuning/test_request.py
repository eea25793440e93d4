from typing import Any

import pytest
from tuning_world import RANGES, definition, script_definition, tuning_request

from naiad.service.domain.errors import Invalid
from naiad.service.tuning.request import check_tuning

CATEGORIES = {"CategoricalParameterRanges": [{"Name": "a", "Values": ["x", "y"]}]}
OBJECTIVE = {"Type": "Minimize", "MetricName": "validation:loss"}
NO_LIMIT = {"MaxParallelTrainingJobs": 1}


def several(*sources: dict[str, Any], **config: Any) -> dict[str, Any]:
    request = tuning_request(ParameterRanges=None, HyperParameterTuningJobObjective=None, **config)
    del request["TrainingJobDefinition"]
    return {**request, "TrainingJobDefinitions": list(sources)}


def named(name: str, **changed: Any) -> dict[str, Any]:
    return definition(
        **{"DefinitionName": name, "TuningObjective": OBJECTIVE, "HyperParameterRanges": RANGES, **changed}
    )


@pytest.mark.parametrize(
    "request_",
    [
        tuning_request(),
        tuning_request(source=script_definition()),
        tuning_request(Strategy="Grid", ParameterRanges=CATEGORIES, ResourceLimits=NO_LIMIT),
        tuning_request(Strategy="Hyperband", StrategyConfig={"HyperbandStrategyConfig": {"MaxResource": 9}}),
        tuning_request(Strategy="Hyperband", source=definition(StaticHyperParameters={"epochs": '"9"'})),
        tuning_request(ResourceLimits=NO_LIMIT, TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 0.1}),
        several(named("a"), named("b")),
    ],
)
def test_requests_that_are_served(request_: dict[str, Any]) -> None:
    assert check_tuning(request_)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({**tuning_request(), "TrainingJobDefinitions": [named("a")]}, "both given"),
        (several(), "TrainingJobDefinition is missing"),
        (several(named("a"), named("a")), "'a' twice"),
        (several(definition(TuningObjective=OBJECTIVE, HyperParameterRanges=RANGES)), "needs a DefinitionName"),
        (
            {
                **several(named("a")),
                "HyperParameterTuningJobConfig": tuning_request()["HyperParameterTuningJobConfig"],
            },
            "HyperParameterTuningJobObjective is for one TrainingJobDefinition",
        ),
        (several(named("a"), named("b", TuningObjective={**OBJECTIVE, "Type": "Maximize"})), "different Types"),
        (tuning_request(HyperParameterTuningJobObjective=None), "there is no objective"),
        (tuning_request(ParameterRanges=None), "nothing to tune"),
        (tuning_request(source=definition(StaticHyperParameters={"lr": "1"})), "'lr' is in StaticHyperParameters"),
        (
            tuning_request(source=definition(StaticHyperParameters={"_tuning_objective_metric": "x"})),
            "by the tuning job",
        ),
        (
            tuning_request(HyperParameterTuningJobObjective={**OBJECTIVE, "MetricName": "none"}),
            "'none' is not defined: there is train:loss, validation:loss",
        ),
        (
            tuning_request(
                source=script_definition(AlgorithmSpecification={"TrainingImage": "any", "TrainingInputMode": "File"})
            ),
            "give MetricDefinitions with its Regex",
        ),
        (tuning_request(source=definition(HyperParameterTuningResourceConfig={})), "one of them"),
        (
            tuning_request(source=definition(TuningObjective=OBJECTIVE)),
            "HyperParameterTuningJobObjective and TrainingJobDefinition.TuningObjective are both given",
        ),
        (
            tuning_request(source=definition(HyperParameterRanges=RANGES)),
            "ParameterRanges and TrainingJobDefinition.HyperParameterRanges are both given",
        ),
        (
            tuning_request(
                source={
                    **{key: value for key, value in definition().items() if key != "ResourceConfig"},
                    "HyperParameterTuningResourceConfig": {
                        "InstanceType": "ml.m5.large",
                        "InstanceConfigs": [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}],
                    },
                }
            ),
            "has InstanceConfigs and InstanceType: give one of them",
        ),
        (
            tuning_request(
                ParameterRanges={
                    "ContinuousParameterRanges": [
                        {"Name": f"x{number}", "MinValue": "0", "MaxValue": "1"} for number in range(30)
                    ],
                    **CATEGORIES,
                }
            ),
            "31 hyperparameters have ranges; at most 30 are tuned",
        ),
        (
            tuning_request(
                Strategy="Hyperband",
                StrategyConfig={"HyperbandStrategyConfig": {"MaxResource": 9}},
                source=definition(StaticHyperParameters={"epochs": '"30"'}),
            ),
            "MaxResource 9 is below the hyperparameter epochs, 30",
        ),
        (tuning_request(source=definition(VpcConfig={"Subnets": ["s"]})), "VpcConfig is not served"),
        (tuning_request(ResourceLimits=NO_LIMIT), "would never end"),
        (
            tuning_request(
                ResourceLimits=NO_LIMIT, TuningJobCompletionCriteria={"TargetObjectiveMetricValue": float("nan")}
            ),
            "is no finite number",
        ),
        (tuning_request(ResourceLimits={**NO_LIMIT, "MaxNumberOfTrainingJobs": 1001}), "at most 1000 are served"),
        (tuning_request(ResourceLimits={"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 101}), "at most 100"),
        (tuning_request(StrategyConfig={"HyperbandStrategyConfig": {"MaxResource": 9}}), "for the strategy Hyperband"),
        (tuning_request(Strategy="Grid"), "Grid takes categories only, and 'lr' is continuous"),
        (tuning_request(Strategy="Hyperband"), "needs the epochs of a whole trial"),
        (
            tuning_request(
                Strategy="Hyperband", StrategyConfig={"HyperbandStrategyConfig": {"MinResource": 9, "MaxResource": 9}}
            ),
            "MinResource 9 is not below MaxResource 9",
        ),
        (
            tuning_request(
                Strategy="Hyperband",
                TrainingJobEarlyStoppingType="Auto",
                source=definition(StaticHyperParameters={"epochs": "9"}),
            ),
            "stops trials by itself",
        ),
    ],
)
def test_requests_that_are_refused(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        check_tuning(request_)
