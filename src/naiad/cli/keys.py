"""``naiad keys``: the access keys of the server on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naiad.cli import options
from naiad.cli.output import print_json, print_line, print_table
from naiad.home import find_state_folder, make_state_folder, replace_key

if TYPE_CHECKING:
    from naiad.service.keys import Keys

app = typer.Typer(help="Add, list and revoke the keys of the server on this machine.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The key's name.", show_default=False)]


@app.command()
def add(name: NameArgument, state: options.StateOption = None, as_json: options.JsonOption = False) -> None:
    """Make a key and print it. Its secret is shown only here."""
    key = _open_keys(state).add(name)
    if as_json:
        print_json({"name": key.name, "access_key": key.access_key, "secret_key": key.secret_key})
        return
    print_line(f"access key  {key.access_key}")
    print_line(f"secret key  {key.secret_key}")


@app.command("list")
def list_keys(state: options.StateOption = None, as_json: options.JsonOption = False) -> None:
    """List the keys, without their secrets."""
    keys = _open_keys(state).all()
    if as_json:
        fields = ("name", "access_key", "created_at", "revoked_at")
        print_json([{field: getattr(key, field) for field in fields} for key in keys])
        return
    rows = [[key.name, key.access_key, key.created_at, "revoked" if key.revoked_at else "in use"] for key in keys]
    print_table(["name", "access key", "created", "state"], rows)


@app.command()
def revoke(name: NameArgument, state: options.StateOption = None) -> None:
    """Revoke a key: a running server refuses it from the next request on. The last key cannot be revoked.

    naiad env and naiad.connect() use the oldest key that is left, where they used the revoked one.
    """
    keys = _open_keys(state)
    revoked, oldest = keys.revoke(name), keys.first()
    folder = find_state_folder(state)
    replace_key(folder, revoked.access_key, access_key=oldest.access_key, secret_key=oldest.secret_key)


def _open_keys(state: Path | None) -> "Keys":
    from naiad.service.keys import Keys

    folder = find_state_folder(state)
    make_state_folder(folder)
    return Keys.open(folder)
