"""``naiad``: the commands, in the order of the help. Each command is a file of its own.

Torch takes a second to load, and no help text needs it: the commands import what they call inside the function. The command line
is the only place in the project where functions import.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import naiad
from naiad.cli import (
    backup,
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
    scrub,
    serve,
    test,
    train,
    tune,
    verify_resume,
)
from naiad.cli.output import escape_unknown_letters, print_line, print_text
from naiad.cli.run_command import GlobalOptions, exit_process, run_command
from naiad.errors import OptionError, did_you_mean


class _CommandGroup(TyperGroup):
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and name not in self.commands:
            raise OptionError(f"unknown command {name!r}", hint=did_you_mean(name, self.commands))
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="naiad",
    cls=_CommandGroup,
    help="Build, train, test and keep deep-learning models on the machines you already have.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("train")(train.train)
app.command("tune")(tune.tune)
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
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("scrub")(scrub.scrub)
app.command("verify-resume")(verify_resume.verify_resume)
app.command("doctor")(doctor.doctor)


@app.command("version")
def version() -> None:
    """Print Naiad's version."""
    print_line(naiad.__version__)


@app.callback(invoke_without_command=True)
def _read_global_options(
    context: typer.Context,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="On an error, show where (also NAIAD_TRACEBACK=1).")
    ] = False,
    show_version: Annotated[bool, typer.Option("--version", help="Print Naiad's version.")] = False,
) -> None:
    options: GlobalOptions = context.obj
    options.traceback = options.traceback or traceback
    if show_version:
        print_line(naiad.__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print_text(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status; ``run_command`` has their meaning."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return run_command(lambda options: app(words, prog_name="naiad", standalone_mode=False, obj=options), words)


def script() -> None:
    """Runs the ``naiad`` command and ends the process."""
    escape_unknown_letters()
    exit_process(main())
