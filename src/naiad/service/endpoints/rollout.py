"""What an endpoint is to run, taken from its configuration and its models when it was asked for.

Kept with the endpoint as JSON, so that deleting those changes nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from naiad.service.domain.errors import Invalid

_SERVERLESS_IDLE_S = 300.0
_STARTUP_S = 240.0
_IDLE = "NAIAD_IDLE_S"


@dataclass(frozen=True)
class VariantPlan:
    name: str
    model: str
    container: Mapping[str, Any]
    """The definition, in AWS's shape, with the package's in place of its name."""
    weight: float
    instances: int
    least: int
    most: int
    """Equal to ``least`` where nothing is to be scaled."""
    instance_type: str = ""
    """Empty for a serverless variant."""
    idle_s: float = _SERVERLESS_IDLE_S
    start_timeout_s: float = _STARTUP_S
    serverless: Mapping[str, Any] | None = None
    scaling: Mapping[str, Any] | None = None
    """ManagedInstanceScaling, as it was asked for."""

    @property
    def is_scaled(self) -> bool:
        """Whether ``least`` and ``most`` are bounds that somebody set, and not only how many there are to be."""
        return bool(self.serverless) or _is_enabled(self.scaling)


@dataclass(frozen=True)
class Plan:
    number: int
    """Of the deployment: each has folders of its own."""
    config_name: str
    variants: tuple[VariantPlan, ...]
    shadows: tuple[VariantPlan, ...] = ()
    asynchronous: Mapping[str, Any] | None = None
    """AsyncInferenceConfig."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Plan":
        return cls(
            values["number"],
            values["config_name"],
            tuple(VariantPlan(**one) for one in values["variants"]),
            tuple(VariantPlan(**one) for one in values["shadows"]),
            values["asynchronous"],
        )

    def variant(self, name: str) -> VariantPlan:
        """Raises Invalid."""
        for one in self.variants:
            if one.name == name:
                return one
        raise Invalid(f"there is no variant {name!r}; there are {', '.join(one.name for one in self.variants)}")

    def with_variant(self, changed: VariantPlan) -> "Plan":
        return replace(self, variants=tuple(changed if one.name == changed.name else one for one in self.variants))


def plan_of(number: int, config: Mapping[str, Any], containers: Mapping[str, Mapping[str, Any]]) -> Plan:
    """config: CreateEndpointConfig's request. containers: by the model's name. Raises Invalid."""
    return Plan(
        number,
        config["EndpointConfigName"],
        tuple(_variant(one, containers) for one in config["ProductionVariants"]),
        tuple(_variant(one, containers) for one in config.get("ShadowProductionVariants", ())),
        config.get("AsyncInferenceConfig"),
    )


def _variant(asked: Mapping[str, Any], containers: Mapping[str, Mapping[str, Any]]) -> VariantPlan:
    container = containers[asked["ModelName"]]
    serverless, scaling = asked.get("ServerlessConfig"), asked.get("ManagedInstanceScaling")
    instances = asked.get("InitialInstanceCount", 0 if serverless else 1)
    least = most = instances
    if serverless:
        least, most = serverless.get("ProvisionedConcurrency", 0), serverless["MaxConcurrency"]
    elif scaling and _is_enabled(scaling):
        least, most = scaling.get("MinInstanceCount", instances), scaling.get("MaxInstanceCount", instances)
    if least > most:
        raise Invalid(f"variant {asked['VariantName']}: at least {least} instances and at most {most}")
    return VariantPlan(
        name=asked["VariantName"],
        model=asked["ModelName"],
        container=container,
        weight=float(asked.get("InitialVariantWeight", 1.0)),
        instances=min(max(instances, least), most),
        least=least,
        most=most,
        instance_type=asked.get("InstanceType", ""),
        idle_s=_idle_s(container.get("Environment", {})),
        start_timeout_s=float(asked.get("ContainerStartupHealthCheckTimeoutInSeconds", _STARTUP_S)),
        serverless=serverless,
        scaling=scaling,
    )


def _is_enabled(scaling: Mapping[str, Any] | None) -> bool:
    return scaling is not None and scaling.get("Status", "ENABLED") == "ENABLED"


def _idle_s(environment: Mapping[str, str]) -> float:
    text = environment.get(_IDLE, str(_SERVERLESS_IDLE_S))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86_400:
        raise Invalid(f"Environment's {_IDLE} is {text!r}: give seconds, more than 0 and at most 86400")
    return seconds
