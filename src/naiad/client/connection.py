"""``naiad.connect``: train on a server as one would train here. boto3 underneath, so any server of this kind will do.

Knows AWS's API and the names that Naiad's own algorithm gives its hyperparameters; knows nothing of the server's rooms.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from naiad.client.data import is_place, placed
from naiad.client.job import JobHandle
from naiad.errors import NetworkError, OptionError
from naiad.home import Address, read_address, state_folder

if TYPE_CHECKING:
    from torch import nn


IMAGE = "naiad/trainer"
ROLE = "arn:aws:iam::000000000000:role/naiad"


def connect(
    url: str | None = None,
    *,
    access_key: str | None = None,
    secret_key: str | None = None,
    region: str | None = None,
    state: str | Path | None = None,
) -> "Connection":
    """To the server at ``url``; without one, to that of the environment (``naiad env``), else to the one that runs here.

    Raises FolderError when no server is known. Nothing is sent before the first call.
    """
    url = url if url is not None else os.environ.get("AWS_ENDPOINT_URL")
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
        max_runtime_s: int = 86_400,
        tags: Mapping[str, str] | None = None,
    ) -> "JobHandle":
        """Starts a training job and returns at once. The arguments up to ``report`` are those of ``naiad.fit``.

        data, validation: ``s3://bucket/prefix``, a local file or folder (uploaded once), or a name such as fashion-mnist.
        net: a name, ``file.py:Class``, None, or a module whose class stands in a file and can be made without arguments.
        Raises InputError before anything is started.
        """
        job = name if name is not None else _job_name(net)
        given = {
            "net": self._network(net, job),
            "epochs": epochs,
            "time_limit": None if time_limit_s is None else f"{time_limit_s:g}s",
            "seed": seed,
            "task": task,
            "label": label,
            "image_size": "x".join(map(str, image_size)) if isinstance(image_size, tuple) else image_size,
            "report": str(report).lower(),
            **{f"plan.{choice}": _text(value) for choice, value in (plan or {}).items()},
        }
        channels = {"train": data, **({"validation": validation} if validation is not None else {})}
        stored = {
            channel: placed(source, self.client("s3"), self.bucket)
            for channel, source in channels.items()
            if is_place(source)
        }
        inputs = [self._channel(channel, uri) for channel, uri in stored.items()]
        given |= {
            ("data" if channel == "train" else channel): str(source)
            for channel, source in channels.items()
            if channel not in stored
        }
        if isinstance(given["net"], str) and ".py:" in given["net"]:
            inputs.append(self._channel("code", f"s3://{self.bucket}/{job}/code/"))
        self.client("sagemaker").create_training_job(
            TrainingJobName=job,
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            RoleArn=ROLE,
            HyperParameters={key: str(value) for key, value in given.items() if value is not None},
            InputDataConfig=inputs,
            OutputDataConfig={"S3OutputPath": f"s3://{self.bucket}/"},
            ResourceConfig={"InstanceType": instance_type, "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": max_runtime_s},
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )
        return JobHandle(self.client, job)

    def job(self, name: str) -> "JobHandle":
        """A job that was started before."""
        return JobHandle(self.client, name)

    def client(self, service: str) -> Any:
        """A boto3 client of the server."""
        config = Config(retries={"mode": "standard", "max_attempts": 5})
        return self.session.client(service, endpoint_url=self.url, config=config)

    def _network(self, net: Any, job: str) -> str | None:
        """The hyperparameter that names the network; its source, if there is one, is uploaded."""
        if net is None:
            return None
        if isinstance(net, str):
            path, colon, network = net.rpartition(".py:")
            if not colon:
                return net
            return self._uploaded_source(Path(f"{path}.py").expanduser(), network, job)
        from naiad.trainer.nets.resolve import source_of  # noqa: PLC0415  # reason: torch, which other calls do not need

        source = source_of(net() if isinstance(net, type) else net)
        if source.registered:
            return str(source.name)
        if source.source is None:
            raise NetworkError(
                f"{source.name} stands in no file that could be sent", hint="put the class into a file: file.py:Class"
            )
        self._put(f"{job}/code/network.py", source.source.encode())
        return f"network.py:{source.name}"

    def _uploaded_source(self, file: Path, network: str, job: str) -> str:
        if not file.is_file():
            raise NetworkError(f"there is no network file {file}", hint="give a path to a file: file.py:Class")
        self._put(f"{job}/code/{file.name}", file.read_bytes())
        return f"{file.name}:{network}"

    def _put(self, key: str, content: bytes) -> None:
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)

    @staticmethod
    def _channel(name: str, uri: str) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


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
