import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from naiad.client.connection import connect
from naiad.client.model_sample import read_sample_body
from naiad.errors import InputError


def deploy(service: Any, tmp_path: Path, files: dict[str, bytes]) -> None:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    connect().deploy(path, "shoes", wait=False)
    service.finish_deployment("shoes")


@pytest.mark.parametrize("name", ["samples.safetensors", "./samples.safetensors"])
def test_the_first_sample_of_an_artifact_as_a_raw_tensor(service: Any, tmp_path: Path, name: str) -> None:
    raw = np.arange(32, dtype=np.uint8).reshape(2, 1, 4, 4)
    content = safetensors.numpy.save({"raw": raw, "scores": np.zeros((2, 3), np.float32)})
    deploy(service, tmp_path, {"naiad.json": b"{}", name: content})
    body = read_sample_body("shoes", service.client("sagemaker"), service.client("s3"))
    assert body == (bytes(range(16)), "application/octet-stream")


def test_a_model_without_samples_needs_an_input(service: Any, tmp_path: Path) -> None:
    deploy(service, tmp_path, {"code/inference.py": b"", "deep/samples.safetensors": b""})
    with pytest.raises(InputError, match="the model of endpoint shoes keeps no samples") as caught:
        read_sample_body("shoes", service.client("sagemaker"), service.client("s3"))
    assert caught.value.hint is not None
    assert "--body" in caught.value.hint


RAW = np.arange(32, dtype=np.uint8).reshape(2, 1, 4, 4)
SAMPLES = safetensors.numpy.save({"raw": RAW, "scores": np.zeros((2, 3), np.float32)})
ROLE = "arn:aws:iam::000000000000:role/naiad"


def archive(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        info = tarfile.TarInfo("samples.safetensors")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def make_package(service: Any, container: dict[str, Any]) -> dict[str, Any]:
    sagemaker = service.client("sagemaker")
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    sagemaker.create_model_package_group(ModelPackageGroupName="shoes")
    arn = sagemaker.create_model_package(
        ModelPackageGroupName="shoes", ModelApprovalStatus="Approved", InferenceSpecification=specification
    )["ModelPackageArn"]
    return {"ModelPackageName": arn}


@pytest.mark.parametrize("form", ["package", "containers", "object", "prefix"])
def test_each_place_where_a_model_can_name_its_data(service: Any, form: str) -> None:
    store, sagemaker = service.client("s3"), service.client("sagemaker")
    store.put_object(Bucket="naiad", Key="m/model.tar.gz", Body=archive(SAMPLES))
    store.put_object(Bucket="naiad", Key="m/files/samples.safetensors", Body=SAMPLES)
    url = {"Image": "naiad/inference", "ModelDataUrl": "s3://naiad/m/model.tar.gz"}
    kind, compression, place = (
        ("S3Prefix", "None", "files/") if form == "prefix" else ("S3Object", "Gzip", "model.tar.gz")
    )
    source = {"S3Uri": f"s3://naiad/m/{place}", "S3DataType": kind, "CompressionType": compression}
    by_source = {"Image": "naiad/inference", "ModelDataSource": {"S3DataSource": source}}
    container = make_package(service, url) if form == "package" else url if form == "containers" else by_source
    one = {"Containers": [container]} if form == "containers" else {"PrimaryContainer": container}
    sagemaker.create_model(ModelName="shoes", ExecutionRoleArn=ROLE, **one)
    variant = {"VariantName": "v", "ModelName": "shoes", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="shoes", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="shoes", EndpointConfigName="shoes")
    service.finish_deployment("shoes")
    assert read_sample_body("shoes", sagemaker, store) == (bytes(range(16)), "application/octet-stream")
