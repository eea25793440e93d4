"""``naiad bench-endpoint``: how fast an endpoint answers."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.output import give_json, give_table, tell
from naiad.cli.remote import aws_errors
from naiad.errors import OptionError


def bench_endpoint(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The endpoint's name.", show_default=False)],
    duration: Annotated[float, typer.Option(min=0.5, help="Seconds at each load.")] = 5.0,
    connections: Annotated[
        str | None, typer.Option(help="How many at once, as 1,8,32; 1, 2, 4 … until it gets no faster, if left out.")
    ] = None,
    body: Annotated[Path | None, typer.Option(help="A file to send; a sample of the artifact's if left out.")] = None,
    content_type: Annotated[str | None, typer.Option(help="Of --body; by its ending if left out.")] = None,
    as_json: options.Json = False,
) -> None:
    """Measure requests a second and latencies at growing load, with signed requests.

    The load is made on this machine: on the endpoint's own it takes part of the cores.
    """
    from naiad.client.bench import Target, growing
    from naiad.client.bodies import file_body
    from naiad.client.connection import connect
    from naiad.client.model_sample import sample_body

    counts = _counts(connections)
    with aws_errors():
        connection = connect()
        if body is not None:
            content, usual = file_body(body)
        else:
            content, usual = sample_body(name, connection.client("sagemaker"), connection.client("s3"))
        credentials = connection.session.get_credentials()
        if credentials is None:
            raise OptionError("there are no keys to sign with", hint='eval "$(naiad env)"')
        target = Target(
            connection.url, connection.session.region_name, credentials, name, content, content_type or usual
        )
        loads = []
        for load in growing(target, connections=counts, duration_s=duration):
            loads.append(load)
            tell(f"{load.connections} connections: {load.rate:,.0f} requests/s")
    if as_json:
        give_json([asdict(load) for load in loads])
        return
    rows = [
        [
            str(load.connections),
            f"{load.rate:,.0f}",
            *(f"{value:.2f}" for value in (load.p50_ms, load.p90_ms, load.p99_ms, load.highest_ms)),
            str(load.refused),
            str(load.failed),
        ]
        for load in loads
    ]
    give_table(["connections", "requests/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "refused", "failed"], rows)


def _counts(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        counts = [int(word) for word in text.split(",")]
    except ValueError:
        counts = []
    if not counts or not all(1 <= count <= 1024 for count in counts):  # reason: sockets of one process
        raise OptionError(f"--connections {text!r} is no list of numbers from 1 to 1024", hint="give 1,8,32")
    return counts
