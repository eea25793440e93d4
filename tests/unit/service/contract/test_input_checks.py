from typing import Any

import pytest

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.input_checks import check_inputs
from naiad.service.domain.errors import Invalid


def training(uri: str, kind: str = "S3Prefix") -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri}
    return {"InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}]}


def processing(uri: str, kind: str = "S3Prefix") -> dict[str, Any]:
    return {"ProcessingInputs": [{"InputName": "raw", "S3Input": {"S3DataType": kind, "S3Uri": uri}}]}


def transform(uri: str, kind: str = "S3Prefix") -> dict[str, Any]:
    return {"TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}}}}


@pytest.mark.parametrize("request_of", [training, processing, transform])
@pytest.mark.parametrize("uri", ["s3://naiad/none/", "s3://naiad/data/b", "s3://naiad/folder/", "s3://naiad/data//"])
def test_an_input_without_objects_is_refused(put: Any, blobs: BlobStore, request_of: Any, uri: str) -> None:
    put({"data/a": b"1", "folder/": b""})
    with pytest.raises(Invalid, match=f"No S3 objects found under S3 URL '{uri}' given in input data source"):
        check_inputs(blobs, request_of(uri))


@pytest.mark.parametrize("request_of", [training, processing, transform])
@pytest.mark.parametrize(
    "uri", ["s3://naiad/da", "s3://naiad/data/", "s3://naiad", "https://naiad.s3.amazonaws.com/data/a"]
)
def test_a_prefix_with_an_object_is_accepted(put: Any, blobs: BlobStore, request_of: Any, uri: str) -> None:
    put({**{f"a/{number}/": b"" for number in range(25)}, "data/a": b"1"})
    check_inputs(blobs, request_of(uri))


@pytest.mark.parametrize("request_of", [training, processing, transform])
def test_a_manifest_must_be_there_by_its_whole_key(put: Any, blobs: BlobStore, request_of: Any) -> None:
    put({"list.manifest": b"[]"})
    check_inputs(blobs, request_of("s3://naiad/list.manifest", "ManifestFile"))
    with pytest.raises(Invalid, match="No S3 objects found"):
        check_inputs(blobs, request_of("s3://naiad/list", "ManifestFile"))


def test_the_model_of_a_transform_job_must_be_there(put: Any, blobs: BlobStore) -> None:
    put({"data/a": b"1"})
    request = {**transform("s3://naiad/data"), "Container": {"ModelDataUrl": "s3://naiad/model.tar.gz"}}
    with pytest.raises(Invalid, match="Could not find model data"):
        check_inputs(blobs, request)


def test_a_request_without_inputs(blobs: BlobStore) -> None:
    check_inputs(blobs, {"ProcessingInputs": [{"InputName": "dataset", "DatasetDefinition": {}}]})
