from dataclasses import replace
from typing import Any

import pytest

from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.job import JobKind


def test_a_jobs_program_may_put_metrics_of_its_own_only(door: Any) -> None:
    door.train("one")
    door.tick()
    job = door.context.jobs.describe(JobKind.TRAINING, "one")
    door.context = replace(door.context, principal=replace(door.context.principal, job=job))
    data = [{"MetricName": "f1", "Timestamp": door.clock.now(), "Value": 0.25}]
    put = {"TrialComponentName": "one-aws-training-job", "MetricData": data}
    assert door.call("sagemaker-metrics", "BatchPutMetrics", **put) == {"Errors": []}
    assert door.sagemaker("DescribeTrainingJob", TrainingJobName="one")["FinalMetricDataList"][0]["Value"] == 0.25
    with pytest.raises(AccessDenied, match="only put metrics of its own"):
        door.call("sagemaker-metrics", "BatchPutMetrics", **{**put, "TrialComponentName": "other"})


def test_metrics_of_a_job_that_is_not_there(door: Any) -> None:
    data = [{"MetricName": "f1", "Timestamp": door.clock.now(), "Value": 0.25}]
    answer = door.call("sagemaker-metrics", "BatchPutMetrics", TrialComponentName="nobody", MetricData=data)
    assert answer == {"Errors": [{"Code": "VALIDATION_ERROR", "MetricIndex": 0}]}
