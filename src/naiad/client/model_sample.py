"""An input that an endpoint's model takes: one of the samples that the model's artifact keeps."""

import tempfile
from collections.abc import Mapping
from typing import Any

import safetensors.numpy

from naiad.archive import read_member
from naiad.client.request_body import Body
from naiad.errors import InputError

_SAMPLES = "samples.safetensors"


def read_sample_body(endpoint: str, sagemaker: Any, store: Any) -> Body:
    """Returns the first sample as a raw tensor. Raises InputError for a model that keeps no samples."""
    config = sagemaker.describe_endpoint_config(
        EndpointConfigName=sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    )
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    content = _read_samples(_find_container(model, sagemaker), store)
    if content is None:
        raise InputError(
            f"the model of endpoint {endpoint} keeps no samples", hint="give an input: --body FILE --content-type TYPE"
        )
    raw = safetensors.numpy.load(content)["raw"]
    return Body(raw[:1].tobytes(), "application/octet-stream")


def _find_container(model: Mapping[str, Any], sagemaker: Any) -> Mapping[str, Any]:
    """Returns the model's first container; where it names a model package, the package's."""
    container: Mapping[str, Any] = model.get("PrimaryContainer") or model["Containers"][0]
    if "ModelPackageName" not in container:
        return container
    package = sagemaker.describe_model_package(ModelPackageName=container["ModelPackageName"])
    package_container: Mapping[str, Any] = package["InferenceSpecification"]["Containers"][0]
    return package_container


def _read_samples(container: Mapping[str, Any], store: Any) -> bytes | None:
    """Returns the file of samples, None where the model has none."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    url = str(source.get("S3Uri") or container.get("ModelDataUrl", ""))
    if source.get("CompressionType", "Gzip") == "None":
        return _read_object(f"{url.rstrip('/')}/{_SAMPLES}", store)
    return _read_member(url, store) if url.endswith(".tar.gz") else None


def _read_object(url: str, store: Any) -> bytes | None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    try:
        content: bytes = store.get_object(Bucket=bucket, Key=key)["Body"].read()
    except store.exceptions.NoSuchKey:
        return None
    return content


def _read_member(url: str, store: Any) -> bytes | None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    with tempfile.TemporaryFile() as archive:
        store.download_fileobj(bucket, key, archive)
        return read_member(archive, _SAMPLES)
