"""``naiad backup`` and ``naiad restore``: copies of what a server keeps, and the way back."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.output import print_json, print_line
from naiad.extras import require_extra
from naiad.home import find_state_folder

FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder of the backups.", show_default=False)
]
DatabaseOption = Annotated[
    str | None, typer.Option(metavar="URL", help="As naiad serve was given it; left out: in the state folder.")
]
ObjectsOption = Annotated[bool, typer.Option("--objects", help="Copy objects and the logs of jobs, too.")]
KeepOption = Annotated[
    int | None, typer.Option("--keep", min=1, help="Remove all but the latest so many; left out: none.")
]


def backup(
    folder: FolderArgument,
    state: options.StateOption = None,
    database: DatabaseOption = None,
    objects: ObjectsOption = False,
    keep: KeepOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Copy the database, the keys and the certificate authority of a server, which may run meanwhile.

    A PostgreSQL is not copied: use pg_dump.
    """
    require_extra("service")
    from naiad.service.backup import make_backup, remove_old_backups

    now = dt.datetime.now(dt.UTC)
    report = make_backup(find_state_folder(state).absolute(), folder, now=now, database=database, with_objects=objects)
    if keep is not None:
        remove_old_backups(folder, keep)
    if as_json:
        print_json({"path": str(report.path), "files": report.files, "bytes": report.size_bytes})
        return
    print_line(f"{report.path}: {report.files} files, {report.size_bytes:,} bytes")
    if report.without_database:
        print_line("the database is a PostgreSQL, which is not in it: use pg_dump")


def restore(
    folder: FolderArgument,
    state: options.StateOption = None,
    database: DatabaseOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Bring a state folder back to a backup, the latest one in FOLDER. The server must be stopped.

    Jobs that are newer than the backup are found again in their folders when the server starts.
    """
    require_extra("service")
    from naiad.service.restore import restore as restore_backup

    now = dt.datetime.now(dt.UTC)
    report = restore_backup(find_state_folder(state).absolute(), folder, now=now, database=database)
    if as_json:
        print_json({"path": str(report.backup), "files": report.files})
        return
    print_line(f"restored {report.files} files from {report.backup}")
