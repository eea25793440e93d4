import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.control.model_request import check_container, single_container

GOOD = {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz"}


def prefix(kind: str, compression: str) -> dict[str, object]:
    source = {"S3Uri": "s3://data/m/", "S3DataType": kind, "CompressionType": compression}
    return {"Image": "a", "ModelDataSource": {"S3DataSource": source}}


def test_a_model_has_one_container():
    assert single_container({"PrimaryContainer": GOOD}) == GOOD == single_container({"Containers": [GOOD]})
    for request in ({}, {"Containers": [GOOD, GOOD]}, {"PrimaryContainer": GOOD, "Containers": [GOOD]}):
        with pytest.raises(Invalid, match="containers are given"):
            single_container(request)


@pytest.mark.parametrize("container", [GOOD, prefix("S3Prefix", "None"), prefix("S3Object", "Gzip")])
def test_supported_containers(container: dict[str, object]):
    check_container(container, lambda _: True)


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"Image": "a"}, "no model data"),
        ({**GOOD, "Mode": "MultiModel"}, "MultiModel is not served"),
        ({**GOOD, "ModelDataUrl": "https://data/m"}, "only s3://"),
        ({**GOOD, "ModelDataUrl": "s3://data"}, "give an object"),
        ({**GOOD, **prefix("S3Prefix", "None")}, "give one of them"),
        (prefix("S3Prefix", "Gzip"), "S3Object with Gzip"),
        ({**GOOD, "Environment": {"A": "\0"}}, "NUL"),
    ],
)
def test_unsupported_containers(container: dict[str, object], message: str):
    with pytest.raises(Invalid, match=message):
        check_container(container, lambda _: True)


def test_a_missing_bucket():
    with pytest.raises(Invalid, match="the bucket does not exist"):
        check_container(GOOD, lambda _: False)
