"""``naiad keys``: the access keys of the server on this machine, and what each of them may do."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naiad.cli import options
from naiad.cli.output import print_json, print_line, print_table
from naiad.errors import OptionError, did_you_mean
from naiad.home import find_state_folder, make_state_folder, replace_key

if TYPE_CHECKING:
    from naiad.service.domain.scope import Scope
    from naiad.service.keys import Keys

app = typer.Typer(help="Add, list and revoke the keys of the server on this machine.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The key's name.", show_default=False)]


CanOption = Annotated[
    list[str] | None,
    typer.Option(
        "--can",
        metavar="SCOPE",
        help="read, invoke, jobs or admin; may be repeated. All if left out; with --on, all but admin.",
    ),
]
OnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--on", metavar="s3://BUCKET/PREFIX", help="Objects that it reaches; may be repeated. All if left out."
    ),
]


@app.command()
def add(
    name: NameArgument,
    can: CanOption = None,
    on: OnOption = None,
    state: options.StateOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Make a key and print it. Its secret is shown only here.

    What each scope may do: docs/reference/scopes.md.
    """
    from naiad.service.domain.scope import Scope, parse_limit

    scopes = _parse_scopes(can) if can else (scope for scope in Scope if scope is not Scope.ADMIN or not on)
    key = _open_keys(state).add(name, scopes, [parse_limit(text) for text in on or ()])
    if as_json:
        shown = key.to_json()
        print_json({name: shown[name] for name in ("name", "access_key", "secret_key", "scopes", "limits")})
        return
    print_line(f"access key  {key.access_key}")
    print_line(f"secret key  {key.secret_key}")


@app.command("list")
def list_keys(state: options.StateOption = None, as_json: options.JsonOption = False) -> None:
    """List the keys, what they may do and on which objects, without their secrets."""
    from naiad.service.domain.scope import scope_words

    keys = _open_keys(state).all()
    if as_json:
        print_json([{name: value for name, value in key.to_json().items() if name != "secret_key"} for key in keys])
        return
    rows = [
        [
            key.name,
            key.access_key,
            scope_words(key.scopes),
            ", ".join(map(str, key.limits)) or "all objects",
            key.created_at,
            "revoked" if key.revoked_at else "in use",
        ]
        for key in keys
    ]
    print_table(["name", "access key", "can", "on", "created", "state"], rows)


@app.command()
def revoke(name: NameArgument, state: options.StateOption = None) -> None:
    """Revoke a key: a running server refuses it from the next request on.

    The last key that may do everything cannot be revoked.

    naiad env and naiad.connect() then use the oldest other key that may do everything.
    """
    keys = _open_keys(state)
    revoked, oldest = keys.revoke(name), keys.first()
    folder = find_state_folder(state)
    replace_key(folder, revoked.access_key, access_key=oldest.access_key, secret_key=oldest.secret_key)


def _parse_scopes(words: list[str]) -> "Iterable[Scope]":
    """Takes ``--can read --can jobs`` and ``--can read,jobs``. Raises OptionError."""
    from naiad.service.domain.scope import Scope

    names = [name.strip() for word in words for name in word.split(",")]
    for name in names:
        if name not in set(Scope):
            raise OptionError(f"--can {name!r} is no scope", hint=did_you_mean(name, map(str, Scope)))
    return map(Scope, names)


def _open_keys(state: Path | None) -> "Keys":
    from naiad.service.keys import Keys

    folder = find_state_folder(state)
    make_state_folder(folder)
    return Keys.open(folder)
