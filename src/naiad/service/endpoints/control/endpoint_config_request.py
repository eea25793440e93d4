"""Checks of CreateEndpointConfig beyond AWS's model."""

from collections.abc import Mapping
from typing import Any

from naiad.service.contract.instance_types import instance_type
from naiad.service.contract.request_checks import refuse
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid

_MAX_SHADOW_VARIANTS = 1
_SERVERLESS_MEMORY_MB = 1024
_INSTANCE_KEYS = ("InitialInstanceCount", "InstanceType", "ManagedInstanceScaling")


def check_endpoint_config(request: Mapping[str, Any]) -> None:
    """Raises Invalid. Does not check whether the models exist."""
    values = dict(request)
    refuse(values, "ExplainerConfig", "explanations are not served")
    refuse(values, "CrossRegionTrafficConfig", "there is one region here")
    if values.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise Invalid("DataCaptureConfig: requests are not captured here; leave EnableCapture out")
    shadows = values.get("ShadowProductionVariants", ())
    if len(shadows) > _MAX_SHADOW_VARIANTS or (shadows and len(values["ProductionVariants"]) != 1):
        raise Invalid("a shadow variant goes with one production variant, and there is one of each")
    variants = [*values["ProductionVariants"], *shadows]
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) < len(names):
        raise Invalid(f"the variants are named {', '.join(names)}: give each a name of its own")
    for variant in variants:
        _check_variant(variant)
    _check_async_inference(values.get("AsyncInferenceConfig"))


def _check_variant(variant: dict[str, Any]) -> None:
    at = f"variant {variant['VariantName']}"
    if "ModelName" not in variant:
        raise Invalid(f"{at} has no ModelName; inference components are not served")
    refuse(variant, "InstancePools", f"{at}: give InstanceType")
    refuse(variant, "AcceleratorType", f"{at}: Elastic Inference does not exist any more")
    refuse(variant, "CapacityReservationConfig", f"{at}: there is no reserved capacity here")
    if "ServerlessConfig" in variant:
        conflicting = [name for name in _INSTANCE_KEYS if name in variant]
        if conflicting:
            raise Invalid(f"{at} has ServerlessConfig and {', '.join(conflicting)}: give one or the other")
        memory_mb = variant["ServerlessConfig"].get("MemorySizeInMB", _SERVERLESS_MEMORY_MB)
        if memory_mb % _SERVERLESS_MEMORY_MB:
            raise Invalid(
                f"{at}: MemorySizeInMB is {memory_mb}; give a multiple of {_SERVERLESS_MEMORY_MB}, up to 6144"
            )
        return
    if "InstanceType" not in variant:
        raise Invalid(f"{at} has no InstanceType: give one, like ml.m5.large, or ServerlessConfig")
    instance_type(variant["InstanceType"])
    scaling = variant.get("ManagedInstanceScaling", {})
    min_count, max_count = scaling.get("MinInstanceCount", 0), scaling.get("MaxInstanceCount")
    if max_count is not None and min_count > max_count:
        counts = f"MinInstanceCount {min_count} and MaxInstanceCount {max_count}"
        raise Invalid(f"{at}: ManagedInstanceScaling has {counts}; lower the minimum")


def _check_async_inference(config: Mapping[str, Any] | None) -> None:
    if config is None:
        return
    output = dict(config["OutputConfig"])
    refuse(output, "NotificationConfig", "there is no SNS here; look for the output object")
    if "S3OutputPath" not in output:
        raise Invalid("AsyncInferenceConfig's OutputConfig has no S3OutputPath, where the responses go")
    for name in ("S3OutputPath", "S3FailurePath"):
        if name in output:
            parse_s3_uri(output[name], at=name)
