"""An input that an endpoint's model surely takes: one of the samples that its artifact keeps."""

import tarfile
import tempfile
from collections.abc import Mapping
from typing import Any

import safetensors.numpy

from naiad.errors import InputError

_SAMPLES = "samples.safetensors"


def sample_body(endpoint: str, sagemaker: Any, store: Any) -> tuple[bytes, str]:
    """(body, content type): a raw tensor. Raises InputError for a model that keeps no samples."""
    config = sagemaker.describe_endpoint_config(
        EndpointConfigName=sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    )
    container = _container(sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"]), sagemaker)
    content = _samples(container, store)
    if content is None:
        raise InputError(
            f"the model of endpoint {endpoint} keeps no samples", hint="give an input: --body FILE --content-type TYPE"
        )
    raw = safetensors.numpy.load(content)["raw"]
    return raw[:1].tobytes(), "application/octet-stream"


def _container(model: Mapping[str, Any], sagemaker: Any) -> Mapping[str, Any]:
    """The one of a model; a package's in place of its name."""
    container: Mapping[str, Any] = model.get("PrimaryContainer") or model["Containers"][0]
    if "ModelPackageName" not in container:
        return container
    package = sagemaker.describe_model_package(ModelPackageName=container["ModelPackageName"])
    inside: Mapping[str, Any] = package["InferenceSpecification"]["Containers"][0]
    return inside


def _samples(container: Mapping[str, Any], store: Any) -> bytes | None:
    """None where there are none."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    url = str(source.get("S3Uri") or container.get("ModelDataUrl", ""))
    if source.get("CompressionType", "Gzip") == "None":
        return _object(f"{url.rstrip('/')}/{_SAMPLES}", store)
    return _member(url, store) if url.endswith(".tar.gz") else None


def _object(url: str, store: Any) -> bytes | None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    try:
        content: bytes = store.get_object(Bucket=bucket, Key=key)["Body"].read()
    except store.exceptions.NoSuchKey:
        return None
    return content


def _member(url: str, store: Any) -> bytes | None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    with tempfile.TemporaryFile() as archive:
        store.download_fileobj(bucket, key, archive)
        archive.seek(0)
        with tarfile.open(fileobj=archive, mode="r:gz") as tar:
            for member in tar:
                if member.isfile() and member.name.removeprefix("./") == _SAMPLES:
                    file = tar.extractfile(member)
                    assert file is not None
                    return file.read()
    return None
