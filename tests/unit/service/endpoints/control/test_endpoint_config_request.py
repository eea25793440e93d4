import pytest

from naiad.service.domain.errors import Invalid, LimitExceeded
from naiad.service.endpoints.control.endpoint_config_request import check_endpoint_config

VARIANT = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}


def check(*variants: dict[str, object], **more: object) -> None:
    check_endpoint_config({"EndpointConfigName": "c", "ProductionVariants": list(variants or (VARIANT,)), **more})


def test_supported_configurations():
    check()
    check(VARIANT, {**VARIANT, "VariantName": "w"})
    check({"VariantName": "v", "ModelName": "m", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}})
    check(DataCaptureConfig={"EnableCapture": False}, ShadowProductionVariants=[{**VARIANT, "VariantName": "s"}])
    check(AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://data/out"}})


@pytest.mark.parametrize(
    ("variants", "more", "message"),
    [
        ((VARIANT, VARIANT), {}, "a name of its own"),
        (({**VARIANT, "ServerlessConfig": {}},), {}, "one or the other"),
        (
            (
                {
                    "VariantName": "v",
                    "ModelName": "m",
                    "ServerlessConfig": {"MemorySizeInMB": 1025, "MaxConcurrency": 1},
                },
            ),
            {},
            "MemorySizeInMB is 1025; give a multiple of 1024",
        ),
        (({"VariantName": "v", "ModelName": "m"},), {}, "no InstanceType"),
        (({"VariantName": "v"},), {}, "no ModelName"),
        (
            ({**VARIANT, "ManagedInstanceScaling": {"MinInstanceCount": 3, "MaxInstanceCount": 2}},),
            {},
            "MinInstanceCount 3",
        ),
        (({**VARIANT, "AcceleratorType": "ml.eia1.medium"},), {}, "AcceleratorType"),
        ((), {"ExplainerConfig": {"ClarifyExplainerConfig": {}}}, "ExplainerConfig"),
        ((), {"DataCaptureConfig": {"EnableCapture": True}}, "not captured"),
        ((), {"ShadowProductionVariants": [VARIANT, VARIANT]}, "one of each"),
        ((), {"AsyncInferenceConfig": {"OutputConfig": {}}}, "no S3OutputPath"),
        ((), {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "file:///x"}}}, "only s3://"),
    ],
)
def test_unsupported_configurations(variants: tuple[dict[str, object], ...], more: dict[str, object], message: str):
    with pytest.raises(Invalid, match=message):
        check(*variants, **more)


def test_an_unknown_instance_type():
    with pytest.raises((Invalid, LimitExceeded), match=r"ml\.nothing\.huge"):
        check({**VARIANT, "InstanceType": "ml.nothing.huge"})
