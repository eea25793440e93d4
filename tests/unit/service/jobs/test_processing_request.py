"""Checks of CreateProcessingJob: what is refused, with the part that is wrong and what to do."""

from typing import Any

import pytest

from naiad.service.contract.request_checks import InstanceRequest
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.processing_request import check_processing, processing_instances, processing_uris


def processing(**changed: Any) -> dict[str, Any]:
    return {
        "ProcessingJobName": "one",
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
        **changed,
    }


def s3_input(**changed: Any) -> dict[str, Any]:
    source = {"S3Uri": "s3://data/in", "LocalPath": "/opt/ml/processing/in", "S3DataType": "S3Prefix", **changed}
    return {"ProcessingInputs": [{"InputName": "in", "S3Input": source}]}


def s3_output(**changed: Any) -> dict[str, Any]:
    target = {"S3Uri": "s3://data/out", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob", **changed}
    return {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": target}]}}


def test_a_processing_request_is_accepted() -> None:
    request = processing(**s3_input(), **s3_output())
    check_processing(request)
    assert processing_instances(request) == InstanceRequest("ml.m5.large", 1)
    assert [uri for _, uri in processing_uris(request)] == ["s3://data/in", "s3://data/out"]


def test_a_processing_job_without_instances_is_refused() -> None:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 0, "VolumeSizeInGB": 1}
    with pytest.raises(Invalid, match="InstanceCount is 0; it must be at least 1"):
        processing_instances(processing(ProcessingResources={"ClusterConfig": cluster}))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (s3_input(LocalPath="/opt/ml/processing/../../../etc"), "without '..'"),
        (s3_input(LocalPath="/etc"), "must be a folder in /opt/ml/processing"),
        (s3_input(S3InputMode="Pipe"), "Pipe mode is not served"),
        (s3_input(S3CompressionType="Gzip"), "belongs to Pipe"),
        (s3_output(LocalPath="/tmp/x"), "must be a folder in"),
        ({"ProcessingInputs": [{"InputName": "in", "DatasetDefinition": {"InputMode": "File"}}]}, "no Athena"),
        (
            {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "FeatureStoreOutput": {"a": 1}}]}},
            "feature store",
        ),
    ],
)
def test_a_processing_request_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        check_processing(processing(**changed))
