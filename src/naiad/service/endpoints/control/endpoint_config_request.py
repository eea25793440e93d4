"""CreateEndpointConfig beyond AWS's model."""

from collections.abc import Mapping
from typing import Any

from naiad.service.contract.instance_types import instance_type
from naiad.service.contract.request_checks import refuse
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid

_MOST_SHADOWS = 1
_OF_AN_INSTANCE = ("InitialInstanceCount", "InstanceType", "ManagedInstanceScaling")


def check_configuration(request: Mapping[str, Any]) -> None:
    """Raises Invalid. Whether the models are there is looked at elsewhere."""
    given = dict(request)
    refuse(given, "ExplainerConfig", "explanations are not served")
    refuse(given, "CrossRegionTrafficConfig", "there is one region here")
    if given.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise Invalid("DataCaptureConfig: requests are not captured here; leave EnableCapture out")
    shadows = given.get("ShadowProductionVariants", ())
    if len(shadows) > _MOST_SHADOWS or (shadows and len(given["ProductionVariants"]) != 1):
        raise Invalid("a shadow variant goes with one production variant, and there is one of each")
    variants = [*given["ProductionVariants"], *shadows]
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) < len(names):
        raise Invalid(f"the variants are named {', '.join(names)}: give each a name of its own")
    for variant in variants:
        _check_variant(variant)
    _check_asynchronous(given.get("AsyncInferenceConfig"))


def _check_variant(variant: dict[str, Any]) -> None:
    at = f"variant {variant['VariantName']}"
    if "ModelName" not in variant:
        raise Invalid(f"{at} has no ModelName; inference components are not served")
    refuse(variant, "InstancePools", f"{at}: give InstanceType")
    refuse(variant, "AcceleratorType", f"{at}: Elastic Inference does not exist any more")
    refuse(variant, "CapacityReservationConfig", f"{at}: there is no reserved capacity here")
    if "ServerlessConfig" in variant:
        both = [name for name in _OF_AN_INSTANCE if name in variant]
        if both:
            raise Invalid(f"{at} has ServerlessConfig and {', '.join(both)}: give one or the other")
        return
    if "InstanceType" not in variant:
        raise Invalid(f"{at} has no InstanceType: give one, like ml.m5.large, or ServerlessConfig")
    instance_type(variant["InstanceType"])
    scaling = variant.get("ManagedInstanceScaling", {})
    least, most = scaling.get("MinInstanceCount", 0), scaling.get("MaxInstanceCount")
    if most is not None and least > most:
        raise Invalid(f"{at}: ManagedInstanceScaling has MinInstanceCount {least} and MaxInstanceCount {most}")


def _check_asynchronous(config: Mapping[str, Any] | None) -> None:
    if config is None:
        return
    output = dict(config["OutputConfig"])
    refuse(output, "NotificationConfig", "there is no SNS here; look for the output object")
    if "S3OutputPath" not in output:
        raise Invalid("AsyncInferenceConfig's OutputConfig has no S3OutputPath, where the answers go")
    for name in ("S3OutputPath", "S3FailurePath"):
        if name in output:
            parse_s3_uri(output[name], at=name)
