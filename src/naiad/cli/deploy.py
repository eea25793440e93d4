"""``naiad deploy``: a trained model as an endpoint."""

from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.endpoints import measured
from naiad.cli.output import give, give_json, tell
from naiad.cli.remote import aws_errors
from naiad.errors import OptionError


def deploy(
    artifact: Annotated[
        str,
        typer.Argument(
            metavar="ARTIFACT", help="An artifact's folder, a model.tar.gz, s3://…, a job's name.", show_default=False
        ),
    ],
    name: Annotated[str, typer.Option(help="The endpoint's name; one that is there is updated without a pause.")],
    replicas: Annotated[int | None, typer.Option(min=1, help="Instances; each has a process a core.")] = None,
    least: Annotated[
        int | None, typer.Option("--min", min=0, help="At least so many, by load; 0 for none when idle.")
    ] = None,
    most: Annotated[int | None, typer.Option("--max", min=1, help="At most so many, by load.")] = None,
    instance_type: Annotated[str, typer.Option(help="AWS's name of a size.")] = "ml.m5.large",
    env: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the model's code; may be repeated.")] = None,
    as_json: options.Json = False,
) -> None:
    """Deploy a trained model, or one with code of its own, as an endpoint."""
    from naiad.client.connection import connect

    with aws_errors():
        connection = connect()
        tell(f"deploying {artifact} as {name} …")
        endpoint = connection.deploy(
            artifact,
            name,
            replicas=replicas,
            min_replicas=least,
            max_replicas=most,
            instance_type=instance_type,
            environment=_environment(env or []),
        )
        described = endpoint.describe()
        engines = measured(name)
    described.pop("ResponseMetadata", None)
    if as_json:
        give_json(described)
        return
    give(f"{name} is {described['EndpointStatus']} at {connection.url}/endpoints/{name}/invocations")
    for line in engines:
        tell(line)
    tell(f"\nhint: naiad endpoints show {name}; naiad endpoints invoke {name} FILE; naiad bench-endpoint {name}")


def _environment(pairs: list[str]) -> dict[str, str]:
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise OptionError(f"--env {wrong[0]!r} has no value", hint="give NAME=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)
