"""``naiad serve``: the training service, on this machine."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naiad.cli.output import tell
from naiad.home import make_state_folder, state_folder

if TYPE_CHECKING:
    from naiad.home import Address


def serve(
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", metavar="DIR", help="The server's folder; $NAIAD_STATE if left out.", show_default=False
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; only this machine reaches the default.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 has the system choose.")] = 8128,
    region: Annotated[str, typer.Option(help="AWS's region that the server is taken for.")] = "us-east-1",
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="postgresql://…; SQLite in the folder if left out.")
    ] = None,
    s3_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="A real S3 store; objects stay in the folder if left out.")
    ] = None,
    warm: Annotated[
        bool, typer.Option(help="Keep an interpreter with torch loaded, so that jobs start at once; takes 0.5 GB.")
    ] = True,
    aws_hosts: Annotated[
        bool, typer.Option(help="Answer clients that ask sts.<region>.amazonaws.com itself: naiad env --aws-hosts.")
    ] = True,
    aws_hosts_port: Annotated[
        int, typer.Option(min=0, max=65535, help="On loopback; 0 keeps the last one.", show_default=False)
    ] = 0,
    fit_instances: Annotated[
        bool, typer.Option(help="Scale an instance type that is larger than this machine down to it; else refuse it.")
    ] = True,
    upload_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Close an upload of which no byte came for so long.")
    ] = 60.0,
    cache_gb: Annotated[
        float | None,
        typer.Option(
            metavar="GB", min=0, help="Of what jobs fetch, keep so much on this disk; a tenth of it if left out."
        ),
    ] = None,
) -> None:
    """Serve training jobs over AWS's own protocol.

    boto3, the AWS CLI and the SageMaker SDK work against it: eval "$(naiad env)".
    """
    folder = state if state is not None else state_folder()
    make_state_folder(folder)
    from naiad.service.compose import Settings
    from naiad.service.run import serve as run

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    proxy_port = aws_hosts_port if aws_hosts else None
    settings = Settings(
        folder,
        host,
        port,
        region,
        database,
        s3_endpoint,
        warm,
        proxy_port,
        fit_instances=fit_instances,
        upload_timeout_s=upload_timeout,
        cache_bytes=None if cache_gb is None else int(cache_gb * 1e9),
    )
    run(settings, ready=_say_ready)


def _say_ready(address: "Address") -> None:
    tell(f'serving on {address.url}; in another shell: eval "$(naiad env)"')
