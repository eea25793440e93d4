"""Checks of CreateHyperParameterTuningJob beyond AWS's published model. ``service.py`` also checks the job of each definition."""

import math

from naiad.service.contract.request_checks import Request, check_distinct, refuse
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.metric_scanner import TRAINER_DEFINITIONS
from naiad.service.tuning.definitions import OBJECTIVE_HYPERPARAMETER, TuningDefinition, definitions_of
from naiad.service.tuning.ranges import combinations

MAX_TRIALS = 1_000
MAX_PARALLEL = 100
_MAX_HYPERPARAMETERS = 100
_OWN_PREFIX = "_naiad_"
_PLACES = (("HyperParameterTuningJobObjective", "TuningObjective"), ("ParameterRanges", "HyperParameterRanges"))
"""Members of the whole job's configuration, and the same of one definition."""
_MAX_DIMENSIONS = 30
"""AWS's limit. A Gaussian process of more takes minutes for each trial."""
_TRAINER_METRICS = tuple(each["Name"] for each in TRAINER_DEFINITIONS)


def check_tuning(request: Request) -> tuple[TuningDefinition, ...]:
    """Returns the definitions. Raises Invalid."""
    if "TrainingJobDefinition" in request and "TrainingJobDefinitions" in request:
        raise Invalid("TrainingJobDefinition and TrainingJobDefinitions are both given: give one of them")
    if "TrainingJobDefinition" not in request and not request.get("TrainingJobDefinitions"):
        raise Invalid("TrainingJobDefinition is missing: give it, or TrainingJobDefinitions")
    definitions = definitions_of(request)
    if len(definitions) > 1 or "TrainingJobDefinitions" in request:
        _check_several(request, definitions)
    else:
        _check_once(request)
    for definition in definitions:
        _check_definition(definition)
    if len({one.objective["Type"] for one in definitions}) > 1:
        raise Invalid(
            "the objectives of the TrainingJobDefinitions have different Types: maximize all, or minimize all"
        )
    _check_limits(request)
    _check_strategy(request, definitions)
    return definitions


def _check_once(request: Request) -> None:
    """Refuses what is given twice: one of them would count for nothing."""
    config, source = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    for key, own in _PLACES:
        if config.get(key) and own in source:
            raise Invalid(f"{key} and TrainingJobDefinition.{own} are both given: give one of them")


def _check_several(request: Request, definitions: tuple[TuningDefinition, ...]) -> None:
    config = request["HyperParameterTuningJobConfig"]
    if not all(one.name for one in definitions):
        raise Invalid("each of the TrainingJobDefinitions needs a DefinitionName")
    check_distinct([one.name for one in definitions], at="TrainingJobDefinitions")
    for key, own in _PLACES:
        if config.get(key):
            raise Invalid(f"{key} is for one TrainingJobDefinition: give each of the TrainingJobDefinitions its {own}")


def _check_definition(definition: TuningDefinition) -> None:
    at = f"TrainingJobDefinitions.{definition.name}: " if definition.name else ""
    if not definition.objective:
        raise Invalid(
            f"{at}there is no objective: give HyperParameterTuningJobObjective, or TuningObjective in each of several definitions"
        )
    if not definition.dimensions:
        raise Invalid(f"{at}there is nothing to tune: ParameterRanges has no range")
    if len(definition.dimensions) > _MAX_DIMENSIONS:
        raise Invalid(
            f"{at}{len(definition.dimensions)} hyperparameters have ranges; at most {_MAX_DIMENSIONS} are tuned"
        )
    for dimension in definition.dimensions:
        if dimension.name in definition.static:
            raise Invalid(f"{at}{dimension.name!r} is in StaticHyperParameters and has a range: give one of them")
    for name in (*definition.static, *(one.name for one in definition.dimensions)):
        if name == OBJECTIVE_HYPERPARAMETER or name.startswith(_OWN_PREFIX):
            raise Invalid(f"{at}the hyperparameter {name!r} is set by the tuning job itself: leave it out")
    if len(definition.static) + len(definition.dimensions) > _MAX_HYPERPARAMETERS:
        raise Invalid(f"{at}there are more than {_MAX_HYPERPARAMETERS} hyperparameters")
    _check_metric(definition, at)
    _check_resources(definition, at)
    refuse(definition.source, "VpcConfig", f"{at}jobs run on this machine, in its own network")


def _check_metric(definition: TuningDefinition, at: str) -> None:
    algorithm = definition.source["AlgorithmSpecification"]
    names = [each["Name"] for each in algorithm.get("MetricDefinitions", ())]
    if not names and definition.is_trainer:
        names = list(_TRAINER_METRICS)
    if definition.metric not in names:
        has = f"there is {', '.join(names)}" if names else "there is none; give MetricDefinitions with its Regex"
        raise Invalid(f"{at}the objective metric {definition.metric!r} is not defined: {has}")


def _check_resources(definition: TuningDefinition, at: str) -> None:
    has = [key for key in ("ResourceConfig", "HyperParameterTuningResourceConfig") if key in definition.source]
    if len(has) != 1:
        raise Invalid(f"{at}give ResourceConfig or HyperParameterTuningResourceConfig, one of them")
    config = definition.source.get("HyperParameterTuningResourceConfig", {})
    both = [
        key
        for key in ("InstanceType", "InstanceCount", "VolumeSizeInGB")
        if key in config and "InstanceConfigs" in config
    ]
    if both:
        raise Invalid(f"{at}HyperParameterTuningResourceConfig has InstanceConfigs and {both[0]}: give one of them")


def _check_limits(request: Request) -> None:
    config = request["HyperParameterTuningJobConfig"]
    limits, criteria = config["ResourceLimits"], config.get("TuningJobCompletionCriteria", {})
    for name, most in (("MaxNumberOfTrainingJobs", MAX_TRIALS), ("MaxParallelTrainingJobs", MAX_PARALLEL)):
        if limits.get(name, 1) > most:
            raise Invalid(f"ResourceLimits.{name} is {limits[name]}; at most {most} are served")
    if not math.isfinite(criteria.get("TargetObjectiveMetricValue", 0.0)):
        raise Invalid(
            "TuningJobCompletionCriteria.TargetObjectiveMetricValue is no finite number: no trial can reach it"
        )
    may_end = any(name in limits for name in ("MaxNumberOfTrainingJobs", "MaxRuntimeInSeconds")) or bool(criteria)
    if not may_end and config["Strategy"] != "Grid":
        raise Invalid(
            "the tuning job would never end: give ResourceLimits.MaxNumberOfTrainingJobs, ResourceLimits.MaxRuntimeInSeconds, or "
            "TuningJobCompletionCriteria"
        )


def _check_strategy(request: Request, definitions: tuple[TuningDefinition, ...]) -> None:
    config = request["HyperParameterTuningJobConfig"]
    strategy = config["Strategy"]
    if strategy != "Hyperband" and config.get("StrategyConfig"):
        raise Invalid(f"StrategyConfig is for the strategy Hyperband; {strategy} has none")
    if strategy == "Grid":
        _check_grid(definitions)
    if strategy == "Hyperband":
        if config.get("TrainingJobEarlyStoppingType") == "Auto":
            raise Invalid("Hyperband stops trials by itself: give TrainingJobEarlyStoppingType Off, or leave it out")
        for definition in definitions:
            _check_hyperband(definition, config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {}))


def _check_grid(definitions: tuple[TuningDefinition, ...]) -> None:
    for dimension in (dimension for definition in definitions for dimension in definition.dimensions):
        if not dimension.choices:
            raise Invalid(
                f"the strategy Grid takes categories only, and {dimension.name!r} is {dimension.type}: list its values in "
                "CategoricalParameterRanges"
            )
    count = sum(combinations(definition.dimensions) for definition in definitions)
    if count > MAX_TRIALS:
        raise Invalid(f"the grid has {count:,} combinations; at most {MAX_TRIALS:,} are served")


def _check_hyperband(definition: TuningDefinition, config: Request) -> None:
    first, last = config.get("MinResource", 1), definition.max_epoch
    if last is None:
        raise Invalid(
            "Hyperband needs the epochs of a whole trial: give HyperbandStrategyConfig.MaxResource, or the hyperparameter epochs"
        )
    longest = definition.longest_epochs
    if definition.is_trainer and longest is not None and longest > last:
        raise Invalid(
            f"HyperbandStrategyConfig.MaxResource {last} is below the hyperparameter epochs, {longest}, to which the trainer "
            "would run: give the same number, or leave epochs out"
        )
    if first >= last:
        raise Invalid(f"HyperbandStrategyConfig.MinResource {first} is not below MaxResource {last}")
