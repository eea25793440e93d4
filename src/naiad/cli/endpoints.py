"""``naiad endpoints``: the endpoints of a server, from the command line."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from naiad.cli import options
from naiad.cli.output import format_time, print_cells, print_field, print_json, print_line, print_table, print_text
from naiad.cli.remote import make_client, translate_aws_errors

app = typer.Typer(help="List, show, call, follow and delete endpoints.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The endpoint's name.", show_default=False)]
_LOG_GROUP = "/aws/sagemaker/Endpoints/"
_POLL_S = 0.5
_ENGINE_LINE = "naiad: engine"


@app.command("list")
def list_endpoints(as_json: options.JsonOption = False) -> None:
    """List the endpoints, the newest first."""
    order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    with translate_aws_errors():
        pages = make_client("sagemaker").get_paginator("list_endpoints").paginate(**order)
        endpoints = [endpoint for page in pages for endpoint in page["Endpoints"]]
    if as_json:
        print_json(endpoints)
        return
    rows = [[one["EndpointName"], one["EndpointStatus"], format_time(one["LastModifiedTime"])] for one in endpoints]
    print_table(["name", "status", "changed"], rows)


@app.command()
def show(name: NameArgument, as_json: options.JsonOption = False) -> None:
    """Show an endpoint: its variants, why it failed, and the measurements of its engines."""
    with translate_aws_errors():
        description = make_client("sagemaker").describe_endpoint(EndpointName=name)
        engine_lines = read_engine_lines(name)
    description.pop("ResponseMetadata", None)
    if as_json:
        print_json({**description, "Engines": engine_lines})
        return
    print_line(f"name      {name}")
    print_line(f"status    {description['EndpointStatus']}")
    print_line(f"config    {description['EndpointConfigName']}")
    if reason := description.get("FailureReason"):
        print_field("failed", reason)
    print_line("")
    variants = description.get("ProductionVariants", [])
    shadows = description.get("ShadowProductionVariants", [])
    rows = [[variant["VariantName"], f"{variant['CurrentWeight']:g}", _instances(variant)] for variant in variants]
    rows += [[variant["VariantName"], "shadow", _instances(variant)] for variant in shadows]
    print_table(["variant", "weight", "instances"], rows)
    for line in engine_lines:
        print_line(line)


@app.command()
def invoke(
    name: NameArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Images, CSV, JSON, npy.", show_default=False)],
    content_type: Annotated[
        str | None, typer.Option(help="Type of the files; taken from their endings if left out.")
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Send files to an endpoint, one request each.

    Prints a line for each sample of an artifact: name, label and score, separated by tabs.
    Other models' answers are printed as they are.
    """
    from naiad.client.connection import connect
    from naiad.client.request_body import read_body

    answers = []
    with translate_aws_errors():
        endpoint = connect().endpoint(name)
        for file in files:
            body, default_type = read_body(file)
            answer = endpoint.invoke(body, content_type or default_type, accept="application/json")
            answers.append({"file": str(file), "answer": _parse_answer(answer)})
            if not as_json:
                _print_answer(str(file), answer)
    if as_json:
        print_json(answers)


@app.command()
def logs(
    name: NameArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue until you stop it.")] = False,
) -> None:
    """Print what an endpoint's replicas wrote."""
    from naiad.client.log_reader import LogReader

    with translate_aws_errors():
        reader = LogReader(make_client("logs"), _LOG_GROUP + name)
        while True:
            for stream in reader.stream_names():
                for line in reader.new_lines(stream):
                    print_line(f"[{stream}] {line}")
            if not follow:
                return
            time.sleep(_POLL_S)


@app.command()
def delete(name: NameArgument) -> None:
    """Delete an endpoint. Requests that it has begun are answered; its model stays."""
    with translate_aws_errors():
        make_client("sagemaker").delete_endpoint(EndpointName=name)


def read_engine_lines(name: str) -> list[str]:
    """Returns what was logged of the engines at the last deployment of each variant; not what a model's code says of them."""
    pages = make_client("logs").get_paginator("filter_log_events")
    pages_of_lines = pages.paginate(logGroupName=_LOG_GROUP + name, filterPattern=json.dumps(_ENGINE_LINE))
    lines_by_variant: dict[str, list[str]] = {}
    events = (event for page in pages_of_lines for event in page["events"])
    for event in (event for event in events if event["message"].startswith(_ENGINE_LINE)):
        lines = lines_by_variant.setdefault(event["logStreamName"].partition("/")[0], [])
        if lines and lines[-1].startswith("engine chosen"):
            lines.clear()
        lines.append(event["message"].removeprefix("naiad: "))
    if len(lines_by_variant) < 2:
        return [line for lines in lines_by_variant.values() for line in lines]
    return [f"{variant}  {line}" for variant, lines in lines_by_variant.items() for line in lines]


def _instances(variant: dict[str, Any]) -> str:
    current, desired = variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]
    return f"{current} of {desired}" if current <= desired else f"{current}, going down to {desired}"


def _print_answer(file: str, answer: bytes) -> None:
    from naiad.client.endpoint import parse_predictions

    predictions = parse_predictions(answer)
    if predictions is None:
        print_text(answer.decode("utf-8", "replace"))
        return
    labels, scores = predictions["labels"], predictions["scores"]
    for row, (label, scores_K) in enumerate(zip(labels, scores, strict=True)):
        sample = file if len(labels) == 1 else f"{file} row {row}"
        score = [f"{max(scores_K):.4f}"] if len(scores_K) > 1 else []
        print_cells([sample, str(label), *score])


def _parse_answer(answer: bytes) -> Any:
    """Returns the value of JSON, or the text of what is not JSON."""
    try:
        return json.loads(answer)
    except ValueError:
        return answer.decode("utf-8", "replace")
