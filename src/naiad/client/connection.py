"""``naiad.connect``: train on a server as one would train here. boto3 underneath, so any server of this kind will do.

Knows AWS's API and the names that Naiad's own algorithm gives its hyperparameters; knows nothing of the server's rooms.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from naiad.client.data import is_place, placed
from naiad.client.deploy import check_name, container_of, digest_of, keep_engines, variant, version_of
from naiad.client.endpoint import EndpointHandle
from naiad.client.job import JobHandle
from naiad.client.network import SentNetwork, sent_network
from naiad.client.preflight import preflight as fly
from naiad.errors import OptionError
from naiad.home import Address, read_address, state_folder

if TYPE_CHECKING:
    from torch import nn

    from naiad.trainer.model.model import Model


IMAGE = "naiad/trainer"
_HYPERPARAMETER = {"train": "data", "validation": "validation"}
"""Where the trainer is told a data set's name instead of being given a channel."""
ROLE = "arn:aws:iam::000000000000:role/naiad"


def connect(
    url: str | None = None,
    *,
    access_key: str | None = None,
    secret_key: str | None = None,
    region: str | None = None,
    state: str | Path | None = None,
) -> "Connection":
    """To the server at ``url``, else to the one of the folder ``state``, else to that of the environment (``naiad env``),
    else to the one that runs here.

    Raises FolderError when no server is known. Nothing is sent before the first call.
    """
    if url is None and state is None:
        url = os.environ.get("AWS_ENDPOINT_URL")
    bucket = None
    if url is None:
        address = _local(state)
        url, bucket = address.url, address.bucket
        access_key, secret_key = access_key or address.access_key, secret_key or address.secret_key
        region = region or address.region
    session = boto3.Session(access_key, secret_key, region_name=region or os.environ.get("AWS_REGION", "us-east-1"))
    return Connection(session, url, bucket or os.environ.get("NAIAD_BUCKET", "naiad"))


@dataclass(frozen=True)
class Connection:
    """One server. Safe to keep; every call is a request of its own."""

    session: boto3.Session
    url: str
    bucket: str
    """Where sources and local data are put, and where artifacts go."""

    def fit(
        self,
        net: "nn.Module | type[nn.Module] | str | None",
        data: str | Path,
        *,
        validation: str | Path | None = None,
        epochs: int | None = None,
        time_limit_s: float | None = None,
        plan: Mapping[str, Any] | None = None,
        seed: int = 0,
        task: str | None = None,
        label: str | None = None,
        image_size: int | tuple[int, int] | None = None,
        report: bool = True,
        name: str | None = None,
        instance_type: str = "ml.m5.large",
        instances: int = 1,
        max_runtime_s: int = 86_400,
        tags: Mapping[str, str] | None = None,
        preflight: bool = False,
    ) -> "JobHandle":
        """Starts a training job and returns at once. The arguments up to ``report`` are those of ``naiad.fit``.

        data, validation: ``s3://bucket/prefix``, a local file or folder (uploaded once), or a name such as fashion-mnist.
        net: a name, ``file.py:Class``, None, or a module whose class stands in a file and can be made without arguments.
        instances: so many processes train together, each on its share of every batch.
        preflight: runs two batches of it here first, with this network and this data; what the trainer refuses, it
        refuses now, and nothing is uploaded or queued.
        Raises InputError before anything is started; TrainingError too when a pre-flight fails.
        """
        job = name if name is not None else _job_name(net)
        network = sent_network(net)
        channels = {"train": data, **({"validation": validation} if validation is not None else {})}
        placed_channels = {channel: source for channel, source in channels.items() if is_place(source)}
        given = {
            "net": network.word,
            "epochs": epochs,
            "time_limit": None if time_limit_s is None else f"{time_limit_s:g}s",
            "seed": seed,
            "task": task,
            "label": label,
            "image_size": "x".join(map(str, image_size)) if isinstance(image_size, tuple) else image_size,
            "report": str(report).lower(),
            **{f"plan.{choice}": _text(value) for choice, value in (plan or {}).items()},
            **{_HYPERPARAMETER[channel]: source for channel, source in channels.items() if not is_place(source)},
        }
        hyperparameters = {key: str(value) for key, value in given.items() if value is not None}
        if preflight:
            fly(hyperparameters, placed_channels, network, self.client("s3"))
        self.client("sagemaker").create_training_job(
            TrainingJobName=job,
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            RoleArn=ROLE,
            HyperParameters=hyperparameters,
            **self._inputs(job, placed_channels, network),
            OutputDataConfig={"S3OutputPath": f"s3://{self.bucket}/"},
            ResourceConfig={"InstanceType": instance_type, "InstanceCount": instances, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": max_runtime_s},
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )
        return JobHandle(self.client, job)

    def deploy(
        self,
        model: "Model | JobHandle | str | Path",
        name: str,
        *,
        replicas: int | None = None,
        min_replicas: int | None = None,
        max_replicas: int | None = None,
        instance_type: str = "ml.m5.large",
        environment: Mapping[str, str] | None = None,
        wait: bool = True,
        tags: Mapping[str, str] | None = None,
    ) -> "EndpointHandle":
        """An endpoint of that name, made, or updated without a pause where there is one.

        model: a saved ``Model``, an artifact's folder, a folder with ``code/inference.py`` or ``serve``, a model.tar.gz here or
        at s3://, a job or its name, the ARN of a model package. replicas: instances, each with a process a core; between
        ``min_replicas`` and ``max_replicas`` their number follows the load, down to none where 0 is allowed. tags: of an
        endpoint that is made.
        Raises InputError before anything is started, NaiadError with the reason when it does not come into service.
        """
        check_name(name)
        chosen = variant(
            instance_type=instance_type, replicas=replicas, min_replicas=min_replicas, max_replicas=max_replicas
        )
        sagemaker, store = self.client("sagemaker"), self.client("s3")
        container = container_of(model, store, sagemaker, self.bucket)
        if environment:
            container["Environment"] = dict(environment)
        model_name = f"{name[:50]}-{digest_of(container, version_of(container, store))}"
        chosen["ModelName"] = model_name
        config_name = f"{name[:50]}-{digest_of(chosen)}"
        _create_once(sagemaker.create_model, ModelName=model_name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        _create_once(sagemaker.create_endpoint_config, EndpointConfigName=config_name, ProductionVariants=[chosen])
        if _has_endpoint(sagemaker, name):
            sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config_name)
        else:
            labels = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
            sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config_name, Tags=labels)
        endpoint = self.endpoint(name)
        if wait:
            endpoint.wait()
            keep_engines(model, container, store)
        return endpoint

    def endpoint(self, name: str) -> "EndpointHandle":
        """An endpoint that was made before."""
        return EndpointHandle(self.client, name)

    def job(self, name: str) -> "JobHandle":
        """A job that was started before."""
        return JobHandle(self.client, name)

    def client(self, service: str) -> Any:
        """A boto3 client of the server."""
        config = Config(retries={"mode": "standard", "max_attempts": 5})
        return self.session.client(service, endpoint_url=self.url, config=config)

    def _inputs(self, job: str, channels: Mapping[str, str | Path], network: SentNetwork) -> dict[str, Any]:
        """InputDataConfig, which AWS wants left out where it is empty; what is not on the server yet is uploaded."""
        store = self.client("s3")
        inputs = [self._channel(name, placed(source, store, self.bucket)) for name, source in channels.items()]
        if network.file is not None:
            store.put_object(Bucket=self.bucket, Key=f"{job}/code/{network.file}", Body=network.source)
            inputs.append(self._channel("code", f"s3://{self.bucket}/{job}/code/"))
        return {"InputDataConfig": inputs} if inputs else {}

    @staticmethod
    def _channel(name: str, uri: str) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _create_once(create: Callable[..., Any], **request: Any) -> None:
    """What has the name already is the same: the name holds its digest."""
    try:
        create(**request)
    except ClientError as error:
        if "already existing" not in str(error):
            raise


def _has_endpoint(sagemaker: Any, name: str) -> bool:
    try:
        sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if "Could not find" not in str(error):
            raise
        return False
    return True


def _local(state: str | Path | None) -> Address:
    return read_address(Path(state).expanduser() if state is not None else state_folder())


def _job_name(net: Any) -> str:
    word = net if isinstance(net, str) else "auto" if net is None else getattr(net, "__name__", type(net).__name__)
    clean = "".join(
        letter if letter.isascii() and letter.isalnum() else "-" for letter in word.rpartition(":")[2]
    ).strip("-")
    return f"{(clean or 'job')[:40]}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(2).hex()}"


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool | Mapping):
        raise OptionError(f"a choice of the plan is a number, a name or a list of names, given {value!r}")
    return str(value)
