"""Keys of little trust, and boto3's clients with them, against a gateway on loopback."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from naiad.service.domain.scope import Scope, parse_limit

ROLE = "arn:aws:iam::000000000000:role/naiad"


@dataclass(frozen=True)
class KeyHolder:
    """One who has a key, and nothing else."""

    live: Any
    key: Any

    def client(self, service: str, **options: Any) -> Any:
        own = {"aws_access_key_id": self.key.access_key, "aws_secret_access_key": self.key.secret_key}
        return self.live.client(service, **own, **options)


def holder_of(live: Any, name: str, *scopes: str, on: tuple[str, ...] = ()) -> KeyHolder:
    return KeyHolder(live, live.keys.add(name, [Scope(scope) for scope in scopes], map(parse_limit, on)))


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, int, str]:
    """Returns the code, the status and the message of the error that the call raises."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"].get("Message", "")


def training_request(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://data/team/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **changed,
    }


def channel(uri: str, kind: str = "S3Prefix") -> list[dict[str, Any]]:
    return [{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}}}]
