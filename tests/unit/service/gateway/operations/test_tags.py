"""Tags."""

from typing import Any

import pytest

from naiad.service.domain.errors import Invalid, NotFound


def test_tags_of_a_job(api: Any) -> None:
    arn = api.train("one", Tags=[{"Key": "a", "Value": "1"}])
    api.sagemaker("AddTags", ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    page = api.sagemaker("ListTags", ResourceArn=arn, MaxResults=1)
    assert page["Tags"] == [{"Key": "a", "Value": "3"}]
    assert api.sagemaker("ListTags", ResourceArn=arn, NextToken=page["NextToken"]) == {
        "Tags": [{"Key": "b", "Value": "2"}]
    }
    api.sagemaker("DeleteTags", ResourceArn=arn, TagKeys=["a", "zzz"])
    assert api.sagemaker("ListTags", ResourceArn=arn) == {"Tags": [{"Key": "b", "Value": "2"}]}


@pytest.mark.parametrize(
    ("arn", "error"),
    [
        ("arn:aws:sagemaker:us-east-1:000000000000:training-job/nobody", NotFound),
        ("arn:aws:sagemaker:eu-west-1:000000000000:training-job/one", NotFound),
        ("arn:aws:sagemaker:us-east-1:000000000000:endpoint/one", NotFound),
        ("one", Invalid),
    ],
)
def test_tags_of_something_that_is_not_here(api: Any, arn: str, error: type[Exception]) -> None:
    api.train("one")
    with pytest.raises(error):
        api.sagemaker("ListTags", ResourceArn=arn)
