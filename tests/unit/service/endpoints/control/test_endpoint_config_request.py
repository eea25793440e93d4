import pytest

from naiad.service.domain.errors import Invalid, LimitExceeded
from naiad.service.endpoints.control.endpoint_config_request import check_configuration

VARIANT = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}


def checked(*variants: dict[str, object], **more: object) -> None:
    check_configuration({"EndpointConfigName": "c", "ProductionVariants": list(variants or (VARIANT,)), **more})


def test_what_may_be_asked():
    checked()
    checked(VARIANT, {**VARIANT, "VariantName": "w"})
    checked({"VariantName": "v", "ModelName": "m", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}})
    checked(DataCaptureConfig={"EnableCapture": False}, ShadowProductionVariants=[{**VARIANT, "VariantName": "s"}])
    checked(AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://data/out"}})


@pytest.mark.parametrize(
    ("variants", "more", "said"),
    [
        ((VARIANT, VARIANT), {}, "a name of its own"),
        (({**VARIANT, "ServerlessConfig": {}},), {}, "one or the other"),
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
def test_what_may_not(variants: tuple[dict[str, object], ...], more: dict[str, object], said: str):
    with pytest.raises(Invalid, match=said):
        checked(*variants, **more)


def test_a_type_that_there_is_not():
    with pytest.raises((Invalid, LimitExceeded), match=r"ml\.nothing\.huge"):
        checked({**VARIANT, "InstanceType": "ml.nothing.huge"})
