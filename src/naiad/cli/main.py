"""``naiad``: the commands and their order in the help. Each command is a file of its own.

Torch takes a second to load, and no help text needs it: command bodies fetch what they call inside the function. This is
the one place in the project where functions import.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import naiad
from naiad.cli import (
    bench_endpoint,
    demo,
    deploy,
    doctor,
    endpoints,
    env,
    inspect,
    jobs,
    keys,
    nets,
    predict,
    serve,
    test,
    train,
    verify_resume,
)
from naiad.cli.edge import Settings, exit_with, guarded
from naiad.cli.output import give
from naiad.errors import OptionError, nearest


class _Commands(TyperGroup):
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and name not in self.commands:
            raise OptionError(f"unknown command {name!r}", hint=nearest(name, self.commands))
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="naiad",
    cls=_Commands,
    help="Build, train, test and keep deep-learning models on the machines you already have.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("train")(train.train)
app.command("test")(test.test)
app.command("predict")(predict.predict)
app.command("inspect")(inspect.inspect)
app.command("nets")(nets.nets)
app.command("serve")(serve.serve)
app.command("env")(env.env)
app.command("deploy")(deploy.deploy)
app.command("bench-endpoint")(bench_endpoint.bench_endpoint)
app.add_typer(endpoints.app, name="endpoints")
app.add_typer(jobs.app, name="jobs")
app.add_typer(keys.app, name="keys")
app.command("verify-resume")(verify_resume.verify_resume)
app.command("doctor")(doctor.doctor)


@app.command("version")
def version() -> None:
    """Print Naiad's version."""
    give(naiad.__version__)


@app.callback(invoke_without_command=True)
def _settings(
    context: typer.Context,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="On an error, show where (also NAIAD_TRACEBACK=1).")
    ] = False,
    show_version: Annotated[bool, typer.Option("--version", help="Print Naiad's version.")] = False,
) -> None:
    settings: Settings = context.obj
    settings.traceback = settings.traceback or traceback
    if show_version:
        give(naiad.__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        give(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status; see ``edge`` for what each means."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda settings: app(given, prog_name="naiad", standalone_mode=False, obj=settings), given)


def script() -> None:
    """The ``naiad`` command."""
    exit_with(main())
