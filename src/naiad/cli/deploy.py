"""``naiad deploy``: deploys a trained model as an endpoint."""

from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.endpoints import read_engine_lines
from naiad.cli.output import print_json, print_line, print_message
from naiad.cli.remote import translate_aws_errors
from naiad.errors import OptionError


def deploy(
    artifact: Annotated[
        str,
        typer.Argument(
            metavar="ARTIFACT", help="An artifact's folder, a model.tar.gz, s3://…, a job's name.", show_default=False
        ),
    ],
    name: Annotated[
        str, typer.Option(help="The endpoint's name; an endpoint of that name is updated without a pause.")
    ],
    replicas: Annotated[int | None, typer.Option(min=1, help="Instances; each has one process a core.")] = None,
    min_replicas: Annotated[
        int | None,
        typer.Option("--min", min=0, help="Fewest instances when they follow the load; 0 for none when idle."),
    ] = None,
    max_replicas: Annotated[
        int | None, typer.Option("--max", min=1, help="Most instances when they follow the load.")
    ] = None,
    instance_type: Annotated[str, typer.Option(help="AWS's name of a size.")] = "ml.m5.large",
    env: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the model's code; may be repeated.")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run program.pt2 on a server without walls, too: it is code of its author.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Deploy a trained model, or one with code of its own, as an endpoint."""
    from naiad.client.connection import connect

    with translate_aws_errors():
        connection = connect()
        print_message(f"deploying {artifact} as {name} …")
        endpoint = connection.deploy(
            artifact,
            name,
            replicas=replicas,
            min_replicas=min_replicas,
            max_replicas=max_replicas,
            instance_type=instance_type,
            environment=_parse_environment(env or []),
            trust=trust,
        )
        description = endpoint.describe()
        engine_lines = read_engine_lines(name)
    description.pop("ResponseMetadata", None)
    if as_json:
        print_json(description)
        return
    print_line(f"{name} is {description['EndpointStatus']} at {connection.url}/endpoints/{name}/invocations")
    _print_next_steps(name, engine_lines)


def _print_next_steps(name: str, engine_lines: list[str]) -> None:
    for line in engine_lines:
        print_message(line)
    print_message(
        f"\nhint: naiad endpoints show {name}; naiad endpoints invoke {name} FILE; naiad bench-endpoint {name}"
    )


def _parse_environment(pairs: list[str]) -> dict[str, str]:
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise OptionError(f"--env {wrong[0]!r} has no value", hint="give NAME=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)
