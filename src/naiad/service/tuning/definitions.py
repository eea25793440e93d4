"""The training job definitions of a tuning job: what is tuned, by which objective, and the request of each trial's job."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from naiad.service.contract.request_checks import Request, is_trainer_image
from naiad.service.contract.training_toolkit import decode_value
from naiad.service.domain.tuning import Trial
from naiad.service.jobs.pause import PAUSE_EPOCHS, TUNING_ARN
from naiad.service.tuning.halving import UNKNOWN_RUNGS, rung_epochs
from naiad.service.tuning.ranges import Dimension, read_dimensions

OBJECTIVE_HYPERPARAMETER = "_tuning_objective_metric"
EPOCH_NAMES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""Hyperparameters that AWS reads where HyperbandStrategyConfig has no MaxResource."""
_COPIED = (
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)
"""Members of a definition that a training job's request has, too."""


@dataclass(frozen=True)
class TuningDefinition:
    """One of ``TrainingJobDefinitions``, or ``TrainingJobDefinition``."""

    name: str
    """"" where it has none."""
    source: Request = field(repr=False)
    """The definition in AWS's shape."""
    config: Request = field(repr=False)
    """``HyperParameterTuningJobConfig``."""

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Raises Invalid for ranges that cannot be searched."""
        own = self.source.get("HyperParameterRanges")
        at = "HyperParameterRanges" if own is not None else "ParameterRanges"
        return read_dimensions(own if own is not None else self.config.get("ParameterRanges", {}), at=at)

    @property
    def objective(self) -> Request:
        """AWS's HyperParameterTuningJobObjective; {} where the request has none."""
        own: Request | None = self.source.get("TuningObjective")
        return own if own is not None else self.config.get("HyperParameterTuningJobObjective", {})

    @property
    def metric(self) -> str:
        return str(self.objective["MetricName"])

    @property
    def is_maximized(self) -> bool:
        return bool(self.objective["Type"] == "Maximize")

    @property
    def static(self) -> Mapping[str, str]:
        values: Mapping[str, str] = self.source.get("StaticHyperParameters", {})
        return values

    @property
    def is_trainer(self) -> bool:
        """Whether the program is Naiad's own trainer, which can pause."""
        return is_trainer_image(self.source["AlgorithmSpecification"].get("TrainingImage", ""))

    @property
    def pauses(self) -> bool:
        """Whether trials pause at the rungs, and the best of them go on.

        An explicit TrainingJobEarlyStoppingType Off keeps each trial of a Bayesian search running to its end.
        """
        config = self.config
        is_asked = config["Strategy"] == "Hyperband" or (
            config["Strategy"] == "Bayesian" and config.get("TrainingJobEarlyStoppingType") != "Off"
        )
        has_time_limit = "time_limit" in (*self.static, *(one.name for one in self.dimensions))
        is_one = resource_config(self.source).get("InstanceCount") == 1
        return self.is_trainer and is_asked and is_one and not has_time_limit

    @property
    def is_halved(self) -> bool:
        """Whether trials are compared at rungs, by a pause or by a stop."""
        return self.pauses or self.config["Strategy"] == "Hyperband"

    @cached_property
    def rungs(self) -> tuple[int, ...]:
        """The epochs at which trials are compared; () where they are not."""
        if not self.is_halved:
            return ()
        last = self.max_epoch
        return UNKNOWN_RUNGS if last is None else rung_epochs(last, first=self._hyperband.get("MinResource", 1))

    @property
    def excess_epoch(self) -> int | None:
        """The epoch after MaxResource, at which a program that runs on is stopped; None without MaxResource."""
        return self._hyperband["MaxResource"] + 1 if "MaxResource" in self._hyperband else None

    @property
    def max_epoch(self) -> int | None:
        """The epochs of a whole trial; None where neither the request nor a hyperparameter says it."""
        return int(self._hyperband["MaxResource"]) if "MaxResource" in self._hyperband else self.longest_epochs

    @property
    def longest_epochs(self) -> int | None:
        """The largest number of epochs that a hyperparameter may have; None without such a one."""
        tuned = {one.name: one for one in self.dimensions}
        for name in EPOCH_NAMES:
            if name in tuned and tuned[name].type == "integer":
                return int(tuned[name].high)
            value = decode_value(self.static[name]) if name in self.static else None
            value = decode_value(value) if isinstance(value, str) else value
            if isinstance(value, int) and value > 0:
                return value
        return None

    @property
    def _hyperband(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
        return config

    def example_request(self, tuning: str) -> dict[str, Any]:
        """Returns the request of a job with one value of each range, for checks."""
        values = {one.name: one.example for one in self.dimensions}
        return self._request(f"{tuning}-001-00000000", values, {})

    def trial_request(self, trial: Trial, *, arn: str, tags: Mapping[str, str]) -> dict[str, Any]:
        """Returns the request of the trial's training job. ``arn``: that of the tuning job."""
        return {**self._request(trial.name, trial.values, tags), TUNING_ARN: arn}

    def _request(self, name: str, values: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, Any]:
        source = self.source
        hyperparameters = {**self.static, **values, OBJECTIVE_HYPERPARAMETER: self.metric}
        if self.is_trainer and "MaxResource" in self._hyperband:
            hyperparameters.setdefault("epochs", str(self._hyperband["MaxResource"]))
        if self.pauses and self.rungs:
            hyperparameters[PAUSE_EPOCHS] = ",".join(map(str, self.rungs))
        algorithm = source["AlgorithmSpecification"]
        return {
            **{key: source[key] for key in _COPIED if key in source},
            **({"CheckpointConfig": checkpoints} if (checkpoints := self._checkpoints(name)) else {}),
            **({"VpcConfig": source["VpcConfig"]} if "VpcConfig" in source else {}),
            "TrainingJobName": name,
            "HyperParameters": hyperparameters,
            "AlgorithmSpecification": dict(algorithm),
            "ResourceConfig": resource_config(source),
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }

    def _checkpoints(self, name: str) -> dict[str, Any] | None:
        """Returns the CheckpointConfig of one trial: a folder of its own, or it would go on with the weights of another."""
        config = self.source.get("CheckpointConfig")
        if config:
            return {**config, "S3Uri": f"{config['S3Uri'].rstrip('/')}/{name}/"}
        if self.pauses:
            output = self.source["OutputDataConfig"]["S3OutputPath"]
            return {"S3Uri": f"{output.rstrip('/')}/{name}/checkpoints/"}
        return None


def definitions_of(request: Request) -> tuple[TuningDefinition, ...]:
    """Returns the definitions of a CreateHyperParameterTuningJob request, in its order."""
    config = request["HyperParameterTuningJobConfig"]
    sources = request.get("TrainingJobDefinitions") or [request["TrainingJobDefinition"]]
    return tuple(TuningDefinition(source.get("DefinitionName", ""), source, config) for source in sources)


def resource_config(source: Request) -> dict[str, Any]:
    """Returns the ResourceConfig of a definition's jobs; of several InstanceConfigs the first, which AWS tries first."""
    if "HyperParameterTuningResourceConfig" not in source:
        return dict(source.get("ResourceConfig", {}))
    config = source["HyperParameterTuningResourceConfig"]
    chosen = (config.get("InstanceConfigs") or [config])[0]
    keys = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    resources = {key: chosen[key] for key in keys if key in chosen}
    return resources | ({"VolumeKmsKeyId": config["VolumeKmsKeyId"]} if "VolumeKmsKeyId" in config else {})


def search_seed(request: Request) -> int:
    """Returns RandomSeed, or a number that follows from the tuning job's name."""
    seed: int | None = request["HyperParameterTuningJobConfig"].get("RandomSeed")
    return zlib.crc32(request["HyperParameterTuningJobName"].encode()) if seed is None else seed
