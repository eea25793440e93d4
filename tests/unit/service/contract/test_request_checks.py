import pytest

from naiad.service.contract.request_checks import check_buckets, is_trainer_image
from naiad.service.domain.errors import Invalid


def test_each_bucket_is_looked_up_once() -> None:
    buckets: list[str] = []
    check_buckets([("a", "s3://data/1"), ("b", "s3://data/2")], lambda bucket: not buckets.append(bucket))
    assert buckets == ["data"]


def test_a_bucket_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Invalid, match="here names the bucket 'data', which does not exist"):
        check_buckets([("here", "s3://data/1")], lambda _: False)


@pytest.mark.parametrize(
    ("image", "is_trainer"),
    [
        ("naiad/trainer", True),
        ("host:5000/naiad/trainer:1", True),
        ("my-naiad/trainer", False),
        ("naiad/trainer-2", False),
        ("", False),
    ],
)
def test_the_image_of_the_trainer(image: str, is_trainer: bool) -> None:
    assert is_trainer_image(image) is is_trainer
