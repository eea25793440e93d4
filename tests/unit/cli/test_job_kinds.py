"""AWS's words for each kind of job."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from naiad.cli.job_kinds import KINDS, found_job, kinds_of
from naiad.errors import InputError, OptionError


class Answers:
    """As boto3's client answers: an error of the code, or a description."""

    def __init__(self, code: str) -> None:
        self.code, self.asked = code, []

    def describe_training_job(self, **given: str) -> dict[str, Any]:
        self.asked.append(given)
        raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "DescribeTrainingJob")

    def describe_transform_job(self, **given: str) -> dict[str, Any]:
        self.asked.append(given)
        return {"TransformJobStatus": "Completed", "ResponseMetadata": {}}


def test_words_of_a_kind() -> None:
    assert [(kind.noun, kind.log_group) for kind in KINDS] == [
        ("TrainingJob", "/aws/sagemaker/TrainingJobs"),
        ("ProcessingJob", "/aws/sagemaker/ProcessingJobs"),
        ("TransformJob", "/aws/sagemaker/TransformJobs"),
    ]
    assert kinds_of(None) == KINDS
    assert kinds_of("transform") == KINDS[2:]
    with pytest.raises(OptionError, match="no kind of job 'x'"):
        kinds_of("x")


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound"])
def test_a_name_is_looked_for_among_all_kinds(code: str) -> None:
    sagemaker = Answers(code)
    kind, job = found_job(sagemaker, "one", (KINDS[0], KINDS[2]))
    assert (kind.word, job) == ("transform", {"TransformJobStatus": "Completed"})
    assert sagemaker.asked == [{"TrainingJobName": "one"}, {"TransformJobName": "one"}]
    with pytest.raises(InputError, match="no job of the name one"):
        found_job(sagemaker, "one", KINDS[:1])


def test_other_trouble_is_not_taken_for_absence() -> None:
    with pytest.raises(ClientError):
        found_job(Answers("AccessDeniedException"), "one", KINDS)


def test_transform_jobs_stay() -> None:
    with pytest.raises(InputError, match="one is a transform job, which AWS's API has no deletion of"):
        KINDS[2].delete(None, "one")
