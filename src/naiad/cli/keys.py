"""``naiad keys``: who may use the server on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naiad.cli import options
from naiad.cli.env import State
from naiad.cli.output import give, give_json, give_table
from naiad.home import make_state_folder, replace_key, state_folder

if TYPE_CHECKING:
    from naiad.service.keys import Keys

app = typer.Typer(help="Add, list and revoke the keys of the server on this machine.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The key's name.", show_default=False)]


@app.command()
def add(name: Name, state: State = None, as_json: options.Json = False) -> None:
    """Make a key and print it. Its secret is shown only here."""
    key = _keys(state).add(name)
    if as_json:
        give_json({"name": key.name, "access_key": key.access_key, "secret_key": key.secret_key})
        return
    give(f"access key  {key.access_key}")
    give(f"secret key  {key.secret_key}")


@app.command("list")
def list_keys(state: State = None, as_json: options.Json = False) -> None:
    """List the keys, without their secrets."""
    keys = _keys(state).all()
    if as_json:
        give_json(
            [
                {
                    "name": key.name,
                    "access_key": key.access_key,
                    "created_at": key.created_at,
                    "revoked_at": key.revoked_at,
                }
                for key in keys
            ]
        )
        return
    rows = [[key.name, key.access_key, key.created_at, "revoked" if key.revoked_at else "in use"] for key in keys]
    give_table(["name", "access key", "created", "state"], rows)


@app.command()
def revoke(name: Name, state: State = None) -> None:
    """Revoke a key: a running server refuses it from the next request on. The last one stays.

    Where naiad env and naiad.connect() have used it, they go on with the oldest key that is left.
    """
    keys = _keys(state)
    revoked, left = keys.revoke(name), keys.first()
    replace_key(_folder(state), revoked.access_key, access_key=left.access_key, secret_key=left.secret_key)


def _keys(state: Path | None) -> "Keys":
    from naiad.service.keys import Keys

    folder = _folder(state)
    make_state_folder(folder)
    return Keys.open(folder)


def _folder(state: Path | None) -> Path:
    return state if state is not None else state_folder()
