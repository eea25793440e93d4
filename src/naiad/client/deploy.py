"""The parts of an endpoint, made from a trained model: the uploaded archive, the container, the production variant."""

import contextlib
import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from naiad import durable
from naiad.client.aws_errors import message_of
from naiad.client.job import JobHandle
from naiad.client.model_archive import pack_model
from naiad.errors import ArtifactError, InputError, OptionError
from naiad.trainer.artifact.folder import open_artifact_folder

IMAGE = "naiad/inference"
_PACKAGE = ":model-package/"
_MANIFEST, _ENGINES = "naiad.json", "engines.json"
_DIGEST_LENGTH = 12
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_MODEL_HINT = "give a saved model, its folder, a model.tar.gz, or the name of a job"


def make_container(model: Any, store: Any, sagemaker: Any, bucket: str) -> dict[str, Any]:
    """Returns the container definition of a model; a model on this disk is uploaded, once.

    model: a saved ``Model``, an artifact's or a script's folder, a model.tar.gz here or at s3://, a job or its name, the ARN of a
    model package. Raises InputError.
    """
    if isinstance(model, str) and _PACKAGE in model:
        return {"ModelPackageName": model}
    return {"Image": IMAGE, "ModelDataUrl": _model_url(model, store, sagemaker, bucket)}


def archive_version(container: Mapping[str, Any], store: Any) -> str:
    """Returns the ETag of the model's archive, because another archive at the same URL is another model.

    Raises InputError where there is no archive.
    """
    url = container.get("ModelDataUrl")
    if url is None:
        return ""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    try:
        return str(store.head_object(Bucket=bucket, Key=key)["ETag"])
    except ClientError as error:
        raise InputError(f"{url} cannot be read: {message_of(error)}", hint=f"look: aws s3 ls {url}") from error


def save_engine_measurements(model: Any, container: Mapping[str, Any], store: Any) -> None:
    """Writes the measurements of the engines as engines.json into a local artifact's folder.

    The artifact is complete without the file, so nothing is raised where the server has none or the folder is read-only.
    """
    folder = _artifact_folder(model)
    if folder is None:
        return
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    with contextlib.suppress(ClientError, BotoCoreError, OSError):
        measurements = store.get_object(Bucket=bucket, Key=f"{key}.{_ENGINES}")["Body"].read()
        durable.write_file(folder / _ENGINES, measurements)


def is_own_artifact(model: Any) -> bool:
    """Whether the model is the folder of an artifact that Naiad wrote on this machine."""
    folder = _artifact_folder(model)
    if folder is None:
        return False
    try:
        return open_artifact_folder(folder).is_signed_here
    except ArtifactError:  # packing it says what is wrong
        return False


def digest(*values: Any) -> str:
    """Returns a short digest that names models and configurations: equal values have the same name."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:_DIGEST_LENGTH]


def check_endpoint_name(name: str) -> None:
    """Raises OptionError."""
    if not _NAME.fullmatch(name):
        raise OptionError(f"{name!r} cannot be an endpoint's name", hint="give 1 to 63 letters, digits and hyphens")


def make_variant(
    *,
    instance_type: str,
    replicas: int | None,
    min_replicas: int | None,
    max_replicas: int | None,
) -> dict[str, Any]:
    """Returns the production variant, without its model. The number of instances is fixed where only ``replicas`` is given.

    Raises OptionError.
    """
    count = replicas if replicas is not None else max(1, min_replicas or 0)
    lowest = min_replicas if min_replicas is not None else count
    highest = max_replicas if max_replicas is not None else max(count, lowest)
    if not 0 <= lowest <= count <= highest or count < 1:
        raise OptionError(
            f"replicas={count} is not between min_replicas={lowest} and max_replicas={highest}",
            hint="give 0 <= min_replicas <= replicas <= max_replicas, and replicas at least 1",
        )
    scaling = {"Status": "ENABLED", "MinInstanceCount": lowest, "MaxInstanceCount": highest}
    return {
        "VariantName": "AllTraffic",
        "InstanceType": instance_type,
        "InitialInstanceCount": count,
        "InitialVariantWeight": 1.0,
        **({"ManagedInstanceScaling": scaling} if (lowest, highest) != (count, count) else {}),
    }


def _model_url(model: Any, store: Any, sagemaker: Any, bucket: str) -> str:
    if isinstance(model, JobHandle):
        return _job_model_url(model.name, sagemaker)
    if isinstance(model, str) and model.startswith("s3://"):
        return model
    path = _local_path(model)
    if path is None:
        return _job_model_url(str(model), sagemaker)
    if path.is_dir():
        return _upload_folder(path, store, bucket)
    return _upload_archive(path, store, bucket)


def _artifact_folder(model: Any) -> Path | None:
    source = model if isinstance(model, str | Path) else getattr(model, "path", None)
    folder = None if source is None else Path(source).expanduser()
    return folder if folder is not None and (folder / _MANIFEST).is_file() else None


def _local_path(model: Any) -> Path | None:
    """Returns a path that exists; None for a text that may be a job's name. Raises InputError."""
    if not isinstance(model, str | Path):
        return _saved_folder(model)
    path = Path(model).expanduser()
    if path.exists():
        return path
    if isinstance(model, Path) or "/" in model or "." in model:
        raise InputError(f"{model} does not exist", hint=_MODEL_HINT)
    return None


def _saved_folder(model: Any) -> Path:
    if not hasattr(model, "path"):
        raise InputError(f"a {type(model).__name__} cannot be deployed", hint=_MODEL_HINT)
    if model.path is None:
        raise ArtifactError("the model was not saved, so it cannot be deployed", hint="model.save(folder) first")
    return Path(model.path)


def _job_model_url(name: str, sagemaker: Any) -> str:
    try:
        description = sagemaker.describe_training_job(TrainingJobName=name)
    except ClientError as error:
        raise InputError(
            f"{name} is neither a file here nor a job on the server: {message_of(error)}", hint=_MODEL_HINT
        ) from error
    status = description["TrainingJobStatus"]
    if status not in ("Completed", "Stopped") or "ModelArtifacts" not in description:
        raise InputError(f"job {name} has left no model: it is {status}")
    return str(description["ModelArtifacts"]["S3ModelArtifacts"])


def _upload_folder(folder: Path, store: Any, bucket: str) -> str:
    with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
        pack_model(folder, archive)
        archive.flush()
        return _upload_archive(Path(archive.name), store, bucket)


def _upload_archive(archive: Path, store: Any, bucket: str) -> str:
    with archive.open("rb") as file:
        content_digest = hashlib.file_digest(file, "sha256").hexdigest()
    key = f"models/{content_digest[:32]}/model.tar.gz"
    objects = store.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", ())
    if key not in [one["Key"] for one in objects]:
        store.upload_file(str(archive), bucket, key)
    return f"s3://{bucket}/{key}"
