"""``naiad env``: what a shell needs so that boto3, the AWS CLI and the SageMaker SDK talk to the server on this machine."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.output import give, give_json, tell
from naiad.errors import FolderError
from naiad.home import Address, is_listening, read_address, state_folder

State = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="The server's folder; $NAIAD_STATE if left out.", show_default=False),
]
_LOOPBACK = ("127.0.0.1", "localhost")
_SDK_CONFIG = "sagemaker.yaml"


AwsHosts = Annotated[
    bool,
    typer.Option("--aws-hosts", help="Also for calls that ask AWS's own hosts, such as get_execution_role()."),
]


def env(state: State = None, aws_hosts: AwsHosts = False, as_json: options.Json = False) -> None:
    """Print the variables of the server on this machine, for ``eval "$(naiad env)"``.

    Also writes the SageMaker SDK's defaults, which keep it on this machine: a bucket of its own, no telemetry.
    """
    folder = state if state is not None else state_folder()
    address = read_address(folder)
    if not is_listening(address):
        tell(f"note: no server answers on {address.url}, where the last one of {folder} was; start one: naiad serve")
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
        **(proxy_variables(address, os.environ) if aws_hosts else {}),
    }
    if as_json:
        give_json(variables)
        return
    for name, value in variables.items():
        give(f"export {name}={shlex.quote(value)}")


def proxy_variables(address: Address, environment: Mapping[str, str]) -> dict[str, str]:
    """For HTTPS alone. ``environment``: of the shell, for the hosts that go past a proxy, and for names in lower case.

    Python's clients prefer https_proxy to HTTPS_PROXY, so where a shell has the one both are set. Raises FolderError.
    """
    if address.proxy_url is None or address.ca_bundle is None:
        raise FolderError("the server runs without --aws-hosts", hint="start it again: naiad serve --aws-hosts")
    past = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [*(host for host in past.split(",") if host and host not in _LOOPBACK), *_LOOPBACK]
    values = {"HTTPS_PROXY": address.proxy_url, "NO_PROXY": ",".join(hosts)}
    lower = {name.lower(): value for name, value in values.items() if name.lower() in environment}
    return {**values, **lower, "AWS_CA_BUNDLE": address.ca_bundle, "REQUESTS_CA_BUNDLE": address.ca_bundle}


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
