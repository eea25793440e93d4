"""Rollout: what an endpoint runs, taken from its configuration and models at the time of the request.

It is kept with the endpoint as JSON, so that deleting the configuration or a model changes nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.old_names import ROLLOUT, ROLLOUT_VARIANT, with_current_names

_DEFAULT_IDLE_TIMEOUT_S = 300.0
_DEFAULT_START_TIMEOUT_S = 240.0
_IDLE_TIMEOUT = "NAIAD_IDLE_S"


@dataclass(frozen=True)
class RolloutVariant:
    """One production variant, or shadow variant."""

    name: str
    model_name: str
    container: Mapping[str, Any]
    """Container definition in AWS's shape; the one of a model package stands in place of its name."""
    weight: float
    desired_instance_count: int
    min_instance_count: int
    max_instance_count: int
    """Equal to the minimum for a variant that is not scaled."""
    instance_type: str = ""
    """Empty for a serverless variant."""
    idle_timeout_s: float = _DEFAULT_IDLE_TIMEOUT_S
    start_timeout_s: float = _DEFAULT_START_TIMEOUT_S
    serverless_config: Mapping[str, Any] | None = None
    managed_instance_scaling: Mapping[str, Any] | None = None
    volume_gib: int | None = None
    """The volume of one instance; None for the usual size."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "RolloutVariant":
        return cls(**with_current_names(values, ROLLOUT_VARIANT))

    @property
    def is_scaled(self) -> bool:
        """Whether the user has set the minimum and the maximum as bounds of scaling."""
        return bool(self.serverless_config) or _is_enabled(self.managed_instance_scaling)


@dataclass(frozen=True)
class Rollout:
    deployment_number: int
    """Each deployment of an endpoint has a number and folders of its own."""
    config_name: str
    variants: tuple[RolloutVariant, ...]
    shadow_variants: tuple[RolloutVariant, ...] = ()
    async_inference_config: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Rollout":
        current = with_current_names(values, ROLLOUT)
        for name in ("variants", "shadow_variants"):
            current[name] = tuple(map(RolloutVariant.from_json, current[name]))
        return cls(**current)

    def variant(self, name: str) -> RolloutVariant:
        """Raises Invalid."""
        for one in self.variants:
            if one.name == name:
                return one
        raise Invalid(f"there is no variant {name!r}; there are {', '.join(one.name for one in self.variants)}")

    def with_variant(self, changed: RolloutVariant) -> "Rollout":
        return replace(self, variants=tuple(changed if one.name == changed.name else one for one in self.variants))


def make_rollout(number: int, config: Mapping[str, Any], containers: Mapping[str, Mapping[str, Any]]) -> Rollout:
    """Raises Invalid. config: CreateEndpointConfig's request. containers: definitions by model name."""
    return Rollout(
        number,
        config["EndpointConfigName"],
        tuple(_make_variant(one, containers) for one in config["ProductionVariants"]),
        tuple(_make_variant(one, containers) for one in config.get("ShadowProductionVariants", ())),
        config.get("AsyncInferenceConfig"),
    )


def _make_variant(request: Mapping[str, Any], containers: Mapping[str, Mapping[str, Any]]) -> RolloutVariant:
    container = containers[request["ModelName"]]
    serverless, scaling = request.get("ServerlessConfig"), request.get("ManagedInstanceScaling")
    count = request.get("InitialInstanceCount", 0 if serverless else 1)
    min_count = max_count = count
    if serverless:
        min_count, max_count = serverless.get("ProvisionedConcurrency", 0), serverless["MaxConcurrency"]
    elif scaling and _is_enabled(scaling):
        min_count, max_count = scaling.get("MinInstanceCount", count), scaling.get("MaxInstanceCount", count)
    if min_count > max_count:
        name = request["VariantName"]
        raise Invalid(
            f"variant {name}: the minimum is {min_count} instances and the maximum {max_count}; lower the minimum"
        )
    return RolloutVariant(
        name=request["VariantName"],
        model_name=request["ModelName"],
        container=container,
        weight=float(request.get("InitialVariantWeight", 1.0)),
        desired_instance_count=min(max(count, min_count), max_count),
        min_instance_count=min_count,
        max_instance_count=max_count,
        instance_type=request.get("InstanceType", ""),
        idle_timeout_s=_parse_idle_timeout(container.get("Environment", {})),
        start_timeout_s=float(request.get("ContainerStartupHealthCheckTimeoutInSeconds", _DEFAULT_START_TIMEOUT_S)),
        serverless_config=serverless,
        managed_instance_scaling=scaling,
        volume_gib=request.get("VolumeSizeInGB"),
    )


def _is_enabled(scaling: Mapping[str, Any] | None) -> bool:
    return scaling is not None and scaling.get("Status", "ENABLED") == "ENABLED"


def _parse_idle_timeout(environment: Mapping[str, str]) -> float:
    text = environment.get(_IDLE_TIMEOUT, str(_DEFAULT_IDLE_TIMEOUT_S))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86_400:
        raise Invalid(f"Environment's {_IDLE_TIMEOUT} is {text!r}: give seconds, more than 0 and at most 86400")
    return seconds
