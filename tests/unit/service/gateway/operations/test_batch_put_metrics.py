"""BatchPutMetrics."""

from dataclasses import replace
from typing import Any

import pytest

from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.job import JobKind


def test_a_jobs_program_may_put_metrics_of_its_own_only(api: Any) -> None:
    api.train("one")
    api.tick()
    job = api.services.jobs.describe(JobKind.TRAINING, "one")
    api.principal = replace(api.principal, job=job)
    data = [{"MetricName": "f1", "Timestamp": api.clock.now(), "Value": 0.25}]
    put = {"TrialComponentName": "one-aws-training-job", "MetricData": data}
    assert api.call("sagemaker-metrics", "BatchPutMetrics", **put) == {"Errors": []}
    assert api.sagemaker("DescribeTrainingJob", TrainingJobName="one")["FinalMetricDataList"][0]["Value"] == 0.25
    with pytest.raises(AccessDenied, match="only put metrics of its own"):
        api.call("sagemaker-metrics", "BatchPutMetrics", **{**put, "TrialComponentName": "other"})


def test_metrics_of_a_missing_job(api: Any) -> None:
    data = [{"MetricName": "f1", "Timestamp": api.clock.now(), "Value": 0.25}]
    output = api.call("sagemaker-metrics", "BatchPutMetrics", TrialComponentName="nobody", MetricData=data)
    assert output == {"Errors": [{"Code": "VALIDATION_ERROR", "MetricIndex": 0}]}
