"""``naiad.connect``: trains and deploys on a server with the calls that train here. It uses boto3 and AWS's API.

Knows the API and the hyperparameters of Naiad's own algorithm; knows nothing of the server's rooms.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from naiad.client.data_upload import upload_data
from naiad.client.deploy import (
    archive_version,
    check_endpoint_name,
    digest,
    is_own_artifact,
    make_container,
    make_variant,
    save_engine_measurements,
)
from naiad.client.endpoint import EndpointHandle
from naiad.client.job import JobHandle
from naiad.client.job_input import JobInput, default_job_name, make_job_input
from naiad.client.preflight import preflight as run_preflight
from naiad.home import find_state_folder, read_address
from naiad.trainer.artifact.folder import TRUST_VARIABLE
from naiad.trainer.fit_options import FitOptions

if TYPE_CHECKING:
    from torch import nn

    from naiad.trainer.model.model import Model


IMAGE = "naiad/trainer"
ROLE = "arn:aws:iam::000000000000:role/naiad"
_VOLUME_GIB = 100
"""The most that a job may write. Nothing is set aside for it."""


def connect(
    url: str | None = None,
    *,
    access_key: str | None = None,
    secret_key: str | None = None,
    region: str | None = None,
    state: str | Path | None = None,
) -> "Connection":
    """Finds a server: the one at ``url``, of the folder ``state``, of the environment (``naiad env``), or on this machine.

    Raises FolderError when no server is known. Nothing is sent before the first call.
    """
    if url is None and state is None:
        url = os.environ.get("AWS_ENDPOINT_URL")
    bucket = None
    if url is None:
        address = read_address(find_state_folder(state))
        url, bucket = address.url, address.bucket
        access_key, secret_key = access_key or address.access_key, secret_key or address.secret_key
        region = region or address.region
    session = boto3.Session(access_key, secret_key, region_name=region or os.environ.get("AWS_REGION", "us-east-1"))
    return Connection(session, url, bucket or os.environ.get("NAIAD_BUCKET", "naiad"))


@dataclass(frozen=True)
class Connection:
    """One server. A connection may be kept: every call is a request of its own."""

    session: boto3.Session
    url: str
    bucket: str
    """The bucket for source code, local data and artifacts."""

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
        label: str | int | None = None,
        types: Mapping[str, str] | None = None,
        image_size: int | tuple[int, int] | None = None,
        as_: str | None = None,
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
        net: a name, ``file.py:Class``, None, or a module whose class is defined in a file and needs no arguments.
        instances: the number of processes that train together, each on its slice of every batch.
        preflight: first runs two batches of it here; nothing is uploaded or queued of a job that the trainer would refuse.
        Raises InputError before anything is started; TrainingError too when a pre-flight fails.
        """
        options = FitOptions(
            validation=validation,
            epochs=epochs,
            time_limit_s=time_limit_s,
            plan=plan,
            seed=seed,
            task=task,
            label=label,
            types=types,
            image_size=image_size,
            as_=as_,
            report=report,
        )
        job_input = make_job_input(net, data, options)
        if preflight:
            run_preflight(job_input, self.client("s3"))
        job = name if name is not None else default_job_name(net)
        self.client("sagemaker").create_training_job(
            **self._job_request(job, job_input),
            ResourceConfig={"InstanceType": instance_type, "InstanceCount": instances, "VolumeSizeInGB": _VOLUME_GIB},
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
        trust: bool = False,
    ) -> "EndpointHandle":
        """Creates an endpoint, or updates the endpoint of that name without a pause.

        model: a saved ``Model``, an artifact's folder, a folder with ``code/inference.py`` or ``serve``, a model.tar.gz here or
        at s3://, a job or its name, the ARN of a model package. replicas: the number of instances, each with a process a core;
        between ``min_replicas`` and ``max_replicas`` it follows the load, down to none where 0 is allowed. tags: set where the
        endpoint is created. trust: runs an artifact's program.pt2 where the server's machine allows no walls, too.
        Raises InputError before anything is started, NaiadError with the reason when it does not come into service.
        """
        check_endpoint_name(name)
        variant = make_variant(
            instance_type=instance_type, replicas=replicas, min_replicas=min_replicas, max_replicas=max_replicas
        )
        sagemaker, store = self.client("sagemaker"), self.client("s3")
        container = make_container(model, store, sagemaker, self.bucket)
        is_trusted = trust or is_own_artifact(model)
        variables = {**(environment or {}), **({TRUST_VARIABLE: "1"} if is_trusted else {})}
        if variables:
            container["Environment"] = variables
        model_name = f"{name[:50]}-{digest(container, archive_version(container, store))}"
        variant["ModelName"] = model_name
        config_name = f"{name[:50]}-{digest(variant)}"
        _create_once(sagemaker.create_model, ModelName=model_name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        _create_once(sagemaker.create_endpoint_config, EndpointConfigName=config_name, ProductionVariants=[variant])
        if _has_endpoint(sagemaker, name):
            sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config_name)
        else:
            labels = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
            sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config_name, Tags=labels)
        endpoint = self.endpoint(name)
        if wait:
            endpoint.wait()
            save_engine_measurements(model, container, store)
        return endpoint

    def endpoint(self, name: str) -> "EndpointHandle":
        """Returns a handle for an endpoint that exists."""
        return EndpointHandle(self.client, name)

    def job(self, name: str) -> "JobHandle":
        """Returns a handle for a job that was started before."""
        return JobHandle(self.client, name)

    def client(self, service: str) -> Any:
        """Returns a boto3 client of the server."""
        config = Config(retries={"mode": "standard", "max_attempts": 5})
        return self.session.client(service, endpoint_url=self.url, config=config)

    def _job_request(self, job: str, job_input: JobInput) -> dict[str, Any]:
        """Uploads local data and source code; returns the request that trains on them."""
        inputs = self._upload_inputs(job, job_input)
        return {
            "TrainingJobName": job,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "HyperParameters": job_input.hyperparameters,
            **({"InputDataConfig": inputs} if inputs else {}),  # AWS refuses an empty list
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/"},
        }

    def _upload_inputs(self, job: str, job_input: JobInput) -> list[dict[str, Any]]:
        store, network = self.client("s3"), job_input.network
        inputs = [
            self._channel(name, upload_data(source, store, self.bucket)) for name, source in job_input.channels.items()
        ]
        if network.source_file is not None:
            store.put_object(Bucket=self.bucket, Key=f"{job}/code/{network.source_file}", Body=network.source)
            inputs.append(self._channel("code", f"s3://{self.bucket}/{job}/code/"))
        return inputs

    @staticmethod
    def _channel(name: str, uri: str) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _create_once(create: Callable[..., Any], **request: Any) -> None:
    """Creates a resource unless one of its name exists, which is equal because the name holds its digest."""
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
