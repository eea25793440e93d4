"""``naiad env``: what a shell needs so that boto3, the AWS CLI and the SageMaker SDK talk to the server on this machine."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.output import give, give_json
from naiad.home import Address, read_address, state_folder

State = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="The server's folder; $NAIAD_STATE if left out.", show_default=False),
]
_SDK_CONFIG = "sagemaker.yaml"


def env(state: State = None, as_json: options.Json = False) -> None:
    """Print the variables of the server on this machine, for ``eval "$(naiad env)"``.

    Also writes the SageMaker SDK's defaults, which keep it on this machine: a bucket of its own, no telemetry.
    """
    folder = state if state is not None else state_folder()
    address = read_address(folder)
    config = write_sdk_config(folder, address)
    variables = {
        "AWS_ENDPOINT_URL": address.url,
        "AWS_ACCESS_KEY_ID": address.access_key,
        "AWS_SECRET_ACCESS_KEY": address.secret_key,
        "AWS_DEFAULT_REGION": address.region,
        "AWS_REGION": address.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NAIAD_BUCKET": address.bucket,
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(config),
    }
    if as_json:
        give_json(variables)
        return
    for name, value in variables.items():
        give(f"export {name}={shlex.quote(value)}")


def write_sdk_config(folder: Path, address: Address) -> Path:
    """The SDK reads it where SAGEMAKER_USER_CONFIG_OVERRIDE points; both its major versions do."""
    path = folder.absolute() / _SDK_CONFIG
    path.write_text(
        "SchemaVersion: '1.0'\n"
        "SageMaker:\n"
        "  PythonSDK:\n"
        "    Modules:\n"
        "      TelemetryOptOut: true\n"
        "      Session:\n"
        f"        DefaultS3Bucket: {address.bucket}\n",
        encoding="utf-8",
    )
    return path
