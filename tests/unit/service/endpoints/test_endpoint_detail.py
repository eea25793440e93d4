import json

from naiad.service.endpoints.endpoint_detail import EndpointDetail
from naiad.service.endpoints.rollout import Rollout, RolloutVariant

CONTAINER = {"Image": "a", "ModelDataUrl": "s3://b/m.tar.gz"}
SCALING = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}
SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 5}
ASYNC = {"OutputConfig": {"S3OutputPath": "s3://b/o"}}
OLDER_VARIANT = {
    "name": "v",
    "model": "m",
    "container": CONTAINER,
    "weight": 0.5,
    "instances": 2,
    "least": 0,
    "most": 4,
    "instance_type": "ml.m5.large",
    "idle_s": 60.0,
    "start_timeout_s": 240.0,
    "serverless": None,
    "scaling": SCALING,
}
OLDER_SHADOW = {**OLDER_VARIANT, "name": "s", "instance_type": "", "serverless": SERVERLESS, "scaling": None}
OLDER_ROLLOUT = {
    "number": 3,
    "config_name": "c",
    "variants": [OLDER_VARIANT],
    "shadows": [OLDER_SHADOW],
    "asynchronous": ASYNC,
}
ROLLOUT = Rollout(
    3,
    "c",
    (RolloutVariant("v", "m", CONTAINER, 0.5, 2, 0, 4, "ml.m5.large", 60.0, managed_instance_scaling=SCALING),),
    (RolloutVariant("s", "m", CONTAINER, 0.5, 2, 0, 4, "", 60.0, serverless_config=SERVERLESS),),
    ASYNC,
)


def test_json_round_trip():
    detail = EndpointDetail(ROLLOUT, ROLLOUT, 4, ("v",), "no weights")
    assert EndpointDetail.from_json(json.loads(json.dumps(detail.to_json()))) == detail
    assert EndpointDetail().to_json() == {}
    assert EndpointDetail.from_json({}) == EndpointDetail()


def test_the_detail_of_an_earlier_version_is_read():
    older = {
        "plan": OLDER_ROLLOUT,
        "next": OLDER_ROLLOUT,
        "number": 4,
        "resized": ["v"],
        "failure_reason": "no weights",
    }
    assert EndpointDetail.from_json(older) == EndpointDetail(ROLLOUT, ROLLOUT, 4, ("v",), "no weights")
