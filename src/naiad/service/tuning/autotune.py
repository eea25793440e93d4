"""Autotune: the choices that a request leaves to the service, made once and stored with it, so that a description shows them.

A range is made around the hint of an ``AutoParameter``: a number is searched from a tenth of it to ten times it, by its
logarithm, and below 1 where the hint is. Naiad's trainer needs no hints.
"""

import math
from collections.abc import Mapping
from typing import Any

from naiad.service.contract.request_checks import Request, is_trainer_image
from naiad.service.contract.training_toolkit import SAGEMAKER_PREFIX
from naiad.service.domain.errors import Invalid

_FACTOR = 10.0
_MAX_TRIALS = 30
_RETRIES = 3
_BOOLEANS = {"true": "false", "false": "true", "True": "False", "False": "True"}
_RANGE_KINDS = ("ContinuousParameterRanges", "IntegerParameterRanges", "CategoricalParameterRanges")
_TRAINER_RANGES: Mapping[str, Any] = {
    "ContinuousParameterRanges": [
        {"Name": "plan.learning_rate", "MinValue": "0.0003", "MaxValue": "0.3", "ScalingType": "Logarithmic"},
        {"Name": "plan.weight_decay", "MinValue": "0.000001", "MaxValue": "0.1", "ScalingType": "Logarithmic"},
    ],
    "CategoricalParameterRanges": [{"Name": "plan.batch_size", "Values": ["32", "64", "128", "256"]}],
}
"""The ranges for Naiad's trainer where a request has none."""


def resolve_autotune(request: Request) -> Request:
    """Returns the request with what Autotune chooses. Raises Invalid for AutoParameters without it."""
    if "Autotune" not in request:
        _check_no_hints(request)
        return request
    config = dict(request["HyperParameterTuningJobConfig"])
    limits = dict(config["ResourceLimits"])
    if "MaxRuntimeInSeconds" not in limits and "TuningJobCompletionCriteria" not in config:
        limits.setdefault("MaxNumberOfTrainingJobs", _MAX_TRIALS)
    config["ResourceLimits"] = limits
    config.setdefault("TuningJobCompletionCriteria", {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}})
    if config["Strategy"] != "Hyperband":
        config.setdefault("TrainingJobEarlyStoppingType", "Auto")
    resolved = {**request, "HyperParameterTuningJobConfig": config}
    if "TrainingJobDefinition" in request:
        definition = request["TrainingJobDefinition"]
        own = definition.get("HyperParameterRanges")
        if own is None:
            config["ParameterRanges"] = _resolve_ranges(config.get("ParameterRanges", {}), definition)
        else:
            definition = {**definition, "HyperParameterRanges": _resolve_ranges(own, definition)}
        resolved["TrainingJobDefinition"] = _with_retries(definition)
    else:
        resolved["TrainingJobDefinitions"] = [
            {**_with_retries(each), "HyperParameterRanges": _resolve_ranges(each.get("HyperParameterRanges", {}), each)}
            for each in request.get("TrainingJobDefinitions", ())
        ]
    return resolved


def _check_no_hints(request: Request) -> None:
    ranges = [request["HyperParameterTuningJobConfig"].get("ParameterRanges", {})]
    ranges += [each.get("HyperParameterRanges", {}) for each in request.get("TrainingJobDefinitions", ())]
    ranges.append(request.get("TrainingJobDefinition", {}).get("HyperParameterRanges", {}))
    if any(each.get("AutoParameters") for each in ranges):
        raise Invalid("AutoParameters needs Autotune with Mode Enabled, which makes their ranges")


def _with_retries(definition: Request) -> dict[str, Any]:
    return {"RetryStrategy": {"MaximumRetryAttempts": _RETRIES}, **definition}


def _resolve_ranges(ranges: Request, definition: Request) -> dict[str, Any]:
    resolved = {key: list(ranges.get(key, ())) for key in _RANGE_KINDS}
    for hint in ranges.get("AutoParameters", ()):
        kind, entry = _range_around(hint["Name"], hint["ValueHint"])
        resolved[kind].append(entry)
    image = definition["AlgorithmSpecification"].get("TrainingImage", "")
    if not any(resolved.values()) and is_trainer_image(image):
        static = definition.get("StaticHyperParameters", {})
        for kind, entries in _TRAINER_RANGES.items():
            resolved[kind] = [dict(entry) for entry in entries if entry["Name"] not in static]
    return {
        **{key: entries for key, entries in resolved.items() if entries},
        **({"AutoParameters": ranges["AutoParameters"]} if "AutoParameters" in ranges else {}),
    }


def _range_around(name: str, hint: str) -> tuple[str, dict[str, Any]]:
    """Returns the kind of range and the range. A hyperparameter that is for the toolkit keeps its value."""
    try:
        number = float(hint)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or name.startswith(SAGEMAKER_PREFIX):
        values = [hint, _BOOLEANS[hint]] if hint in _BOOLEANS else [hint]
        return "CategoricalParameterRanges", {"Name": name, "Values": values}
    is_integer = number.is_integer() and "." not in hint and "e" not in hint.lower()
    low, high = sorted((number / _FACTOR, number * _FACTOR)) if number else (0.0, 1.0)
    if is_integer:
        low, high = (math.ceil(low), math.ceil(high)) if number < 0 else (max(1, round(low)) if number else 0, high)
        texts = str(int(low)), str(int(high))
    else:
        texts = repr(low), repr(min(high, 1.0) if 0 < number < 1 else high)
    scaling = "Logarithmic" if number > 0 else "Linear"
    kind = "IntegerParameterRanges" if is_integer else "ContinuousParameterRanges"
    return kind, {"Name": name, "MinValue": texts[0], "MaxValue": texts[1], "ScalingType": scaling}
