"""From a trained model to an endpoint: packed and uploaded once, a model, a configuration, and the endpoint."""

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
from naiad.client.job import JobHandle
from naiad.client.packing import pack
from naiad.errors import ArtifactError, InputError, OptionError

IMAGE = "naiad/inference"
_PACKAGE = ":model-package/"
_MANIFEST, _ENGINES = "naiad.json", "engines.json"
_DIGITS = 12
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_WHAT = "give a saved model, its folder, a model.tar.gz, or the name of a job"


def container_of(model: Any, store: Any, sagemaker: Any, bucket: str) -> dict[str, Any]:
    """The container definition of what is to be deployed; what is on this disk is put beside the server's, once.

    model: a saved ``Model``, an artifact's or a script's folder, a model.tar.gz here or at s3://, a job or its name, the ARN of a
    model package. Raises InputError.
    """
    if isinstance(model, str) and _PACKAGE in model:
        return {"ModelPackageName": model}
    return {"Image": IMAGE, "ModelDataUrl": _url(model, store, sagemaker, bucket)}


def version_of(container: Mapping[str, Any], store: Any) -> str:
    """Of the model's archive: another one under the same address is another model. Raises InputError when it is not there."""
    url = container.get("ModelDataUrl")
    if url is None:
        return ""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    try:
        return str(store.head_object(Bucket=bucket, Key=key)["ETag"])
    except ClientError as error:
        raise InputError(f"{url} cannot be read: {_told(error)}", hint=f"look: aws s3 ls {url}") from error


def keep_engines(model: Any, container: Mapping[str, Any], store: Any) -> None:
    """What its engines were measured at, as engines.json in a local artifact's folder, which is whole without it.

    It is a note: nothing is raised where the server keeps none, or the folder cannot be written to.
    """
    place = model if isinstance(model, str | Path) else getattr(model, "path", None)
    folder = None if place is None else Path(place).expanduser()
    if folder is None or not (folder / _MANIFEST).is_file():
        return
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    with contextlib.suppress(ClientError, BotoCoreError, OSError):
        engines = store.get_object(Bucket=bucket, Key=f"{key}.{_ENGINES}")["Body"].read()
        durable.write_file(folder / _ENGINES, engines)


def digest_of(*parts: Any) -> str:
    """Names models and configurations: the same again has the same name."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_DIGITS]


def check_name(name: str) -> None:
    """Raises OptionError."""
    if not _NAME.fullmatch(name):
        raise OptionError(f"{name!r} cannot be an endpoint's name", hint="give 1 to 63 letters, digits and hyphens")


def variant(
    *,
    instance_type: str,
    replicas: int | None,
    min_replicas: int | None,
    max_replicas: int | None,
) -> dict[str, Any]:
    """The one production variant, without its model. Its number of instances is fixed where only ``replicas`` is given.

    Raises OptionError.
    """
    count = replicas if replicas is not None else max(1, min_replicas or 0)
    least = min_replicas if min_replicas is not None else count
    most = max_replicas if max_replicas is not None else max(count, least)
    if not 0 <= least <= count <= most or count < 1:
        raise OptionError(
            f"replicas={count} is not between min_replicas={least} and max_replicas={most}",
            hint="give 0 <= min_replicas <= replicas <= max_replicas, and replicas at least 1",
        )
    scaling = {"ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": least, "MaxInstanceCount": most}}
    return {
        "VariantName": "AllTraffic",
        "InstanceType": instance_type,
        "InitialInstanceCount": count,
        "InitialVariantWeight": 1.0,
        **(scaling if (least, most) != (count, count) else {}),
    }


def _url(model: Any, store: Any, sagemaker: Any, bucket: str) -> str:
    if isinstance(model, JobHandle):
        return _of_job(model.name, sagemaker)
    if isinstance(model, str) and model.startswith("s3://"):
        return model
    path = _path_of(model)
    if path is None:
        return _of_job(str(model), sagemaker)
    if path.is_dir():
        return _put_packed(path, store, bucket)
    return _put(path, store, bucket)


def _path_of(model: Any) -> Path | None:
    """One that is there; None for what may be a job's name."""
    if not isinstance(model, str | Path):
        return _saved(model)
    path = Path(model).expanduser()
    if path.exists():
        return path
    if isinstance(model, Path) or "/" in model or "." in model:
        raise InputError(f"{model} does not exist", hint=_WHAT)
    return None


def _saved(model: Any) -> Path:
    if not hasattr(model, "path"):
        raise InputError(f"a {type(model).__name__} cannot be deployed", hint=_WHAT)
    if model.path is None:
        raise ArtifactError("the model was not saved, so there is nothing to deploy", hint="model.save(folder) first")
    return Path(model.path)


def _of_job(name: str, sagemaker: Any) -> str:
    try:
        described = sagemaker.describe_training_job(TrainingJobName=name)
    except ClientError as error:
        raise InputError(f"{name} is neither a file here nor a job there: {_told(error)}", hint=_WHAT) from error
    status = described["TrainingJobStatus"]
    if status not in ("Completed", "Stopped") or "ModelArtifacts" not in described:
        raise InputError(f"job {name} has left no model: it is {status}")
    return str(described["ModelArtifacts"]["S3ModelArtifacts"])


def _put_packed(folder: Path, store: Any, bucket: str) -> str:
    with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
        pack(folder, archive)
        archive.flush()
        return _put(Path(archive.name), store, bucket)


def _put(archive: Path, store: Any, bucket: str) -> str:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    key = f"models/{digest[:32]}/model.tar.gz"
    there = store.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", ())
    if key not in [found["Key"] for found in there]:
        store.upload_file(str(archive), bucket, key)
    return f"s3://{bucket}/{key}"


def _told(error: ClientError) -> str:
    return str(error.response["Error"].get("Message") or error)
