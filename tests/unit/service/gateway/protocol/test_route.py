"""Routes of API requests."""

import pytest

from naiad.service.domain.errors import NotServed
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.protocol.route import Route, find_route


@pytest.mark.parametrize(
    ("method", "path", "target", "service", "expected"),
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
        ("POST", "/", "", "sts", Route("sts", "query")),
        ("POST", "/", "", "monitoring", Route("cloudwatch", "query")),
        ("PUT", "/BatchPutMetrics", "", "sagemaker", Route("sagemaker-metrics", "rest-json", "BatchPutMetrics")),
        (
            "POST",
            "/endpoints/e/invocations",
            "",
            "sagemaker",
            Route("sagemaker-runtime", "rest-json", "InvokeEndpoint"),
        ),
    ],
)
def test_routes(method, path, target, service, expected):
    headers = {"x-amz-target": target} if target else {}
    assert find_route(Request(method, path, "", headers), service) == expected


@pytest.mark.parametrize(
    ("path", "target", "service"),
    [("/", "Other.Op", "sagemaker"), ("/what", "", "sagemaker"), ("/", "", "ecr"), ("/", "x", "s3")],
)
def test_requests_that_are_not_served(path, target, service):
    with pytest.raises(NotServed):
        find_route(Request("POST", path, "", {"x-amz-target": target} if target else {}), service)
