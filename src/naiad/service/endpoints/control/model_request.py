"""Checks of CreateModel beyond AWS's model: which container definitions are supported."""

from collections.abc import Callable, Mapping
from typing import Any

from naiad.service.contract.request_checks import check_text_size, check_variables, refuse
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid


def single_container(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the request's only container definition. Raises Invalid."""
    refuse(dict(request), "InferenceExecutionConfig", "there is one container, so there is nothing to order")
    containers = [
        *request.get("Containers", ()),
        *([request["PrimaryContainer"]] if "PrimaryContainer" in request else ()),
    ]
    if len(containers) != 1:
        raise Invalid(f"{len(containers)} containers are given; a model here has one: give PrimaryContainer")
    container: Mapping[str, Any] = containers[0]
    return container


def check_container(container: Mapping[str, Any], has_bucket: Callable[[str], bool]) -> None:
    """Raises Invalid. Does not look for the data itself."""
    values = dict(container)
    if values.get("Mode", "SingleModel") != "SingleModel":
        raise Invalid("Mode MultiModel is not served; give each model a variant or an endpoint of its own")
    refuse(values, "MultiModelConfig", "multi-model endpoints are not served")
    refuse(values, "AdditionalModelDataSources", "give one ModelDataUrl or ModelDataSource")
    refuse(values, "ImageConfig", "there are no image registries here; the image's name is not fetched")
    if "ModelDataUrl" in values and "ModelDataSource" in values:
        raise Invalid("ModelDataUrl and ModelDataSource are given: give one of them")
    source = values.get("ModelDataSource", {}).get("S3DataSource")
    if not source and not values.get("ModelDataUrl"):
        raise Invalid("there is no model data: give ModelDataUrl, the s3:// address of a model.tar.gz")
    _check_source(source, values.get("ModelDataUrl", ""), has_bucket)
    check_text_size("Environment", values.get("Environment", {}))
    check_variables("Environment", values.get("Environment", {}))


def _check_source(source: Mapping[str, Any] | None, url: str, has_bucket: Callable[[str], bool]) -> None:
    text = source["S3Uri"] if source else url
    uri = parse_s3_uri(text, at="the model's data")
    if not uri.key:
        raise Invalid(f"the model's data is {text!r}: give an object, s3://bucket/key")
    if source and (source["S3DataType"], source["CompressionType"]) not in {("S3Object", "Gzip"), ("S3Prefix", "None")}:
        raise Invalid("ModelDataSource is an S3Object with Gzip (a model.tar.gz), or an S3Prefix with None (its files)")
    if not has_bucket(uri.bucket):
        raise Invalid(f"the model's data is {text!r}: the bucket does not exist; create it first")
