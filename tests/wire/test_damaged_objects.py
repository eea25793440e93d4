"""Objects whose bits have flipped, as boto3 sees them: an error, never other bytes than were put."""

import random

import pytest
from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.gateway.prometheus import render_metrics, take_snapshot

BODY = random.Random(0).randbytes(5 * 2**20)


@pytest.fixture
def s3(live):
    return live.client("s3")


def flip(tmp_path, key, at):
    path = tmp_path / "blobs" / "data" / f"{key}@"
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 64]))


@pytest.mark.parametrize(("size", "at"), [(1, 0), (5000, 4999), (300_000, 280_000), (5 * 2**20, 10)])
def test_an_object_is_refused_with_a_message(s3, tmp_path, size, at):
    s3.put_object(Bucket="data", Key="k", Body=BODY[:size])
    flip(tmp_path, "k", at)
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket="data", Key="k")
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("InternalError", 500)
    assert "the object 'k' in bucket data is damaged: block" in error["Error"]["Message"]
    assert s3.list_objects_v2(Bucket="data")["KeyCount"] == 1
    s3.delete_object(Bucket="data", Key="k")
    assert s3.list_objects_v2(Bucket="data")["KeyCount"] == 0


def test_damage_further_on_breaks_the_answer_off(s3, tmp_path):
    s3.put_object(Bucket="data", Key="k", Body=BODY)
    flip(tmp_path, "k", 4 * 2**20)
    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        s3.get_object(Bucket="data", Key="k")["Body"].read()
    beside = s3.get_object(Bucket="data", Key="k", Range="bytes=0-3000000")
    assert beside["Body"].read() == BODY[:3_000_001]
    with pytest.raises(ClientError, match="damaged"):
        s3.get_object(Bucket="data", Key="k", Range=f"bytes={4 * 2**20 - 10}-{4 * 2**20 + 10}")


def test_a_damaged_record_is_refused_and_listed(s3, tmp_path):
    s3.put_object(Bucket="data", Key="k", Body=b"content", Metadata={"name": "value"})
    path = tmp_path / "blobs" / "data" / "k@"
    flip(tmp_path, "k", path.read_bytes().index(b"value"))
    with pytest.raises(ClientError) as caught:
        s3.head_object(Bucket="data", Key="k")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert [info["Key"] for info in s3.list_objects_v2(Bucket="data")["Contents"]] == ["k"]
    s3.put_object(Bucket="data", Key="k", Body=b"again")
    assert s3.get_object(Bucket="data", Key="k")["Body"].read() == b"again"


def test_damaged_objects_are_counted(live):
    damage = DamageLog()
    for _ in range(2):
        damage.add("data", "k", "why")
    assert b"naiad_damaged_objects 1.0" in render_metrics(take_snapshot(live.services.endpoints.router, damage))
