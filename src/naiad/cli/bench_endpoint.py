"""``naiad bench-endpoint``: measures how fast an endpoint answers."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naiad.cli import options
from naiad.cli.output import print_json, print_message, print_table
from naiad.cli.remote import translate_aws_errors
from naiad.errors import OptionError

if TYPE_CHECKING:
    from naiad.client.connection import Connection
    from naiad.client.endpoint_benchmark import BenchmarkTarget, LoadResult


def bench_endpoint(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The endpoint's name.", show_default=False)],
    duration: Annotated[float, typer.Option(min=0.5, help="Seconds at each load.")] = 5.0,
    connections: Annotated[
        str | None,
        typer.Option(help="Connections at once, as 1,8,32; if left out 1, 2, 4 … until it gets no faster."),
    ] = None,
    body: Annotated[Path | None, typer.Option(help="A file to send; a sample of the artifact if left out.")] = None,
    content_type: Annotated[
        str | None, typer.Option(help="Type of --body; taken from the file's ending if left out.")
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Measure requests a second and latencies at growing load, with signed requests.

    This machine makes the load: where the endpoint runs on it too, the load takes some of its cores.
    """
    from naiad.client.connection import connect
    from naiad.client.endpoint_benchmark import measure_loads

    counts = _parse_counts(connections)
    with translate_aws_errors():
        target = _make_target(connect(), name, body, content_type)
        results = []
        for result in measure_loads(target, connections=counts, duration_s=duration):
            results.append(result)
            print_message(f"{result.connections} connections: {result.rate:,.0f} requests/s")
    if as_json:
        print_json([asdict(result) for result in results])
        return
    columns = ["connections", "requests/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "refused", "failed"]
    print_table(columns, [_row(result) for result in results])


def _make_target(connection: "Connection", name: str, body: Path | None, content_type: str | None) -> "BenchmarkTarget":
    from naiad.client.endpoint_benchmark import BenchmarkTarget
    from naiad.client.model_sample import read_sample_body
    from naiad.client.request_body import read_body

    if body is not None:
        content, default_type = read_body(body)
    else:
        content, default_type = read_sample_body(name, connection.client("sagemaker"), connection.client("s3"))
    credentials = connection.session.get_credentials()
    if credentials is None:
        raise OptionError("there are no keys to sign with", hint='eval "$(naiad env)"')
    return BenchmarkTarget(
        url=connection.url,
        region=connection.session.region_name,
        credentials=credentials,
        endpoint=name,
        body=content,
        content_type=content_type or default_type,
    )


def _row(result: "LoadResult") -> list[str]:
    latencies_ms = (result.p50_ms, result.p90_ms, result.p99_ms, result.highest_ms)
    return [
        str(result.connections),
        f"{result.rate:,.0f}",
        *(f"{latency_ms:.2f}" for latency_ms in latencies_ms),
        str(result.refused),
        str(result.failed),
    ]


def _parse_counts(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        counts = [int(word) for word in text.split(",")]
    except ValueError:
        counts = []
    if not counts or not all(1 <= count <= 1024 for count in counts):  # reason: sockets of one process
        raise OptionError(f"--connections {text!r} is no list of numbers from 1 to 1024", hint="give 1,8,32")
    return counts
