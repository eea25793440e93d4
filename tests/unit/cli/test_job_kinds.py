"""AWS's operations for each kind of job."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from naiad.cli.job_kinds import JOB_KINDS, find_job, select_kinds
from naiad.errors import InputError, OptionError


class FakeSagemaker:
    """Answers as boto3's client does: with an error of the code, or a description."""

    def __init__(self, code: str) -> None:
        self.code, self.requests = code, []

    def describe_training_job(self, **request: str) -> dict[str, Any]:
        self.requests.append(request)
        raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "DescribeTrainingJob")

    def describe_transform_job(self, **request: str) -> dict[str, Any]:
        self.requests.append(request)
        return {"TransformJobStatus": "Completed", "ResponseMetadata": {}}


def test_names_of_a_kind() -> None:
    assert [(kind.noun, kind.log_group) for kind in JOB_KINDS if not kind.is_tuning] == [
        ("TrainingJob", "/aws/sagemaker/TrainingJobs"),
        ("ProcessingJob", "/aws/sagemaker/ProcessingJobs"),
        ("TransformJob", "/aws/sagemaker/TransformJobs"),
    ]
    assert select_kinds(None) == JOB_KINDS
    assert select_kinds("transform") == JOB_KINDS[2:3]
    with pytest.raises(OptionError, match="no kind of job 'x'"):
        select_kinds("x")


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound"])
def test_a_name_is_looked_for_among_all_kinds(code: str) -> None:
    sagemaker = FakeSagemaker(code)
    kind, job = find_job(sagemaker, "one", (JOB_KINDS[0], JOB_KINDS[2]))
    assert (kind.word, job) == ("transform", {"TransformJobStatus": "Completed"})
    assert sagemaker.requests == [{"TrainingJobName": "one"}, {"TransformJobName": "one"}]
    with pytest.raises(InputError, match="no job of the name one"):
        find_job(sagemaker, "one", JOB_KINDS[:1])


def test_another_error_is_raised() -> None:
    with pytest.raises(ClientError):
        find_job(FakeSagemaker("AccessDeniedException"), "one", JOB_KINDS)


def test_transform_jobs_cannot_be_deleted() -> None:
    with pytest.raises(InputError, match="one is a transform job, and AWS's API cannot delete those"):
        JOB_KINDS[2].delete(None, "one")
