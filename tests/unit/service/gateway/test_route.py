"""Which operation a request is for."""

import pytest

from naiad.service.domain.errors import NotServed
from naiad.service.gateway.raw import RawRequest
from naiad.service.gateway.route import Route, route


@pytest.mark.parametrize(
    ("method", "path", "target", "scope", "expected"),
    [
        ("POST", "/", "SageMaker.StopTrainingJob", "sagemaker", Route("sagemaker", "json", "StopTrainingJob")),
        ("POST", "/", "Logs_20140328.GetLogEvents", "logs", Route("logs", "json", "GetLogEvents")),
        (
            "POST",
            "/",
            "GraniteServiceVersion20100801.ListMetrics",
            "monitoring",
            Route("cloudwatch", "json", "ListMetrics"),
        ),
        ("POST", "/", "", "sts", Route("sts", "form")),
        ("POST", "/", "", "monitoring", Route("cloudwatch", "form")),
        ("GET", "/bucket/key", "", "s3", Route("s3", "s3")),
        ("PUT", "/BatchPutMetrics", "", "sagemaker", Route("sagemaker-metrics", "rest", "BatchPutMetrics")),
        ("POST", "/endpoints/e/invocations", "", "sagemaker", Route("sagemaker-runtime", "rest", "InvokeEndpoint")),
    ],
)
def test_routes(method, path, target, scope, expected):
    headers = {"x-amz-target": target} if target else {}
    assert route(RawRequest(method, path, "", headers), scope) == expected


@pytest.mark.parametrize(
    ("path", "target", "scope"),
    [("/", "Other.Op", "sagemaker"), ("/what", "", "sagemaker"), ("/", "", "ecr"), ("/", "x", "s3")],
)
def test_what_is_not_served(path, target, scope):
    with pytest.raises(NotServed):
        route(RawRequest("POST", path, "", {"x-amz-target": target} if target else {}), scope)
