"""``naiad env``: prints the variables that point boto3, the AWS CLI and the SageMaker SDK to the server on this machine."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.output import print_json, print_line, print_message
from naiad.errors import FolderError
from naiad.home import ServerAddress, find_state_folder, is_listening, read_address

_LOOPBACK = ("127.0.0.1", "localhost")
_SDK_CONFIG = "sagemaker.yaml"


AwsHostsOption = Annotated[
    bool,
    typer.Option(
        "--aws-hosts", help="Also for calls that send requests to AWS's own hosts, such as get_execution_role()."
    ),
]


def env(
    state: options.StateOption = None, aws_hosts: AwsHostsOption = False, as_json: options.JsonOption = False
) -> None:
    """Print the variables of the server on this machine, for ``eval "$(naiad env)"``.

    Also writes the SageMaker SDK's defaults, which keep it on this machine: a bucket of its own, no telemetry.
    """
    folder = find_state_folder(state)
    address = read_address(folder)
    if not is_listening(address):
        print_message(
            f"note: no server answers on {address.url}, where the last one of {folder} was; start one: naiad serve"
        )
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
        print_json(variables)
        return
    for name, value in variables.items():
        print_line(f"export {name}={shlex.quote(value)}")


def proxy_variables(address: ServerAddress, environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of a proxy for HTTPS alone.

    ``environment`` is the shell's: its hosts that bypass a proxy still do, and a variable that it has in lower case is set in
    both, because Python's clients prefer https_proxy to HTTPS_PROXY. Raises FolderError.
    """
    if address.proxy_url is None or address.ca_bundle is None:
        raise FolderError("the server runs without --aws-hosts", hint="start it again: naiad serve --aws-hosts")
    bypass = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [*(host for host in bypass.split(",") if host and host not in _LOOPBACK), *_LOOPBACK]
    values = {"HTTPS_PROXY": address.proxy_url, "NO_PROXY": ",".join(hosts)}
    lower = {name.lower(): value for name, value in values.items() if name.lower() in environment}
    return {**values, **lower, "AWS_CA_BUNDLE": address.ca_bundle, "REQUESTS_CA_BUNDLE": address.ca_bundle}


def write_sdk_config(folder: Path, address: ServerAddress) -> Path:
    """Writes the file that both major versions of the SDK read where SAGEMAKER_USER_CONFIG_OVERRIDE points."""
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
