"""An input that an endpoint's model surely takes: one of the samples that its artifact keeps."""

import tarfile
import tempfile
from typing import Any

import safetensors.numpy

from naiad.errors import InputError

_SAMPLES = "samples.safetensors"


def sample_body(endpoint: str, sagemaker: Any, store: Any) -> tuple[bytes, str]:
    """(body, content type): a raw tensor. Raises InputError for a model that keeps no samples."""
    config = sagemaker.describe_endpoint_config(
        EndpointConfigName=sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    )
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    url = model.get("PrimaryContainer", {}).get("ModelDataUrl", "")
    content = _member(url, store) if url.endswith(".tar.gz") else None
    if content is None:
        raise InputError(
            f"the model of endpoint {endpoint} keeps no samples", hint="give an input: --body FILE --content-type TYPE"
        )
    raw = safetensors.numpy.load(content)["raw"]
    return raw[:1].tobytes(), "application/octet-stream"


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
