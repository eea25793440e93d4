"""``naiad serve``: runs the training service on this machine."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from naiad.cli import options
from naiad.cli.output import LogFormatter, print_message
from naiad.extras import require_extra
from naiad.home import find_state_folder, make_state_folder
from naiad.trainer.option_text import parse_duration_s

if TYPE_CHECKING:
    from naiad.home import ServerAddress
    from naiad.service.backup import BackupSchedule


HostOption = Annotated[str, typer.Option(help="Address to listen on; only this machine reaches the default.")]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]
RegionOption = Annotated[str, typer.Option(help="The AWS region that the server says it is in.")]
DatabaseOption = Annotated[
    str | None, typer.Option(metavar="URL", help="postgresql://…; SQLite in the folder if left out.")
]
S3EndpointOption = Annotated[
    str | None, typer.Option(metavar="URL", help="A real S3 store; objects stay in the folder if left out.")
]
WarmOption = Annotated[
    bool, typer.Option(help="Keep an interpreter with torch loaded, so that jobs start at once; takes 0.5 GB.")
]
AwsHostsOption = Annotated[
    bool, typer.Option(help="Answer clients that send requests to sts.<region>.amazonaws.com: naiad env --aws-hosts.")
]
AwsHostsPortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="On loopback; 0 keeps the last one.", show_default=False)
]
FitInstancesOption = Annotated[
    bool, typer.Option(help="Scale an instance type that is larger than this machine down to it; else refuse it.")
]
UploadTimeoutOption = Annotated[
    float, typer.Option(metavar="SECONDS", min=0.1, help="Close an upload that sends no byte for so long.")
]
CacheOption = Annotated[
    float | None,
    typer.Option(metavar="GB", min=0, help="Disk for what jobs have downloaded; a tenth of the disk if left out."),
]

RunAsRootOption = Annotated[
    bool, typer.Option("--run-as-root", help="Let programs of a server of root keep root's user, behind their walls.")
]

JobNetworkOption = Annotated[
    Literal["host", "internet", "none"],
    typer.Option(
        help="What jobs reach: this machine's network, the internet (by pasta or slirp4netns), or only this server."
    ),
]

BackupToOption = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Make backups there; none are made if left out.")
]
BackupEveryOption = Annotated[str, typer.Option(metavar="1h|1d", help="The time between two backups.")]
BackupKeepOption = Annotated[int, typer.Option(min=1, help="The latest backups that stay.")]
BackupObjectsOption = Annotated[
    bool, typer.Option("--backup-objects", help="Copy objects and the logs of jobs into the backups, too.")
]


def serve(
    state: options.StateOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8128,
    region: RegionOption = "us-east-1",
    database: DatabaseOption = None,
    s3_endpoint: S3EndpointOption = None,
    warm: WarmOption = True,
    aws_hosts: AwsHostsOption = True,
    aws_hosts_port: AwsHostsPortOption = 0,
    fit_instances: FitInstancesOption = True,
    upload_timeout: UploadTimeoutOption = 60.0,
    cache_gb: CacheOption = None,
    run_as_root: RunAsRootOption = False,
    job_network: JobNetworkOption = "internet",
    backup_to: BackupToOption = None,
    backup_every: BackupEveryOption = "1d",
    backup_keep: BackupKeepOption = 7,
    backup_objects: BackupObjectsOption = False,
) -> None:
    """Serve training jobs over AWS's own protocol.

    boto3, the AWS CLI and the SageMaker SDK work against it: eval "$(naiad env)".
    """
    folder = find_state_folder(state)
    make_state_folder(folder)
    require_extra("service")
    from naiad.service.compose import Settings
    from naiad.service.run import serve as run_server
    from naiad.service.walls.program_settings import ProgramNetwork, ProgramSettings

    log = logging.StreamHandler()
    log.setFormatter(LogFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[log], level=logging.INFO)
    settings = Settings(
        state=folder,
        host=host,
        port=port,
        region=region,
        database=database,
        s3_endpoint=s3_endpoint,
        warm=warm,
        aws_hosts_port=aws_hosts_port if aws_hosts else None,
        fit_instances=fit_instances,
        upload_timeout_s=upload_timeout,
        cache_bytes=None if cache_gb is None else int(cache_gb * 1e9),
        programs=ProgramSettings(run_as_root, ProgramNetwork(job_network)),
        backups=_backup_schedule(backup_to, backup_every, backup_keep, backup_objects),
    )
    run_server(settings, ready=_print_ready)


def _backup_schedule(folder: Path | None, every: str, keep: int, with_objects: bool) -> "BackupSchedule | None":
    from naiad.service.backup import BackupSchedule

    every_s = parse_duration_s(every)
    if folder is None or every_s is None:
        return None
    return BackupSchedule(folder.absolute(), every_s, keep, with_objects)


def _print_ready(address: "ServerAddress") -> None:
    print_message(f'serving on {address.url}; in another shell: eval "$(naiad env)"')
