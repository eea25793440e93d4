"""``naiad endpoints``: the endpoints of a server, from the command line."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from naiad.cli import options
from naiad.cli.output import give, give_json, give_table
from naiad.cli.remote import aws_errors, client

app = typer.Typer(help="List, show, ask, follow and delete endpoints.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The endpoint's name.", show_default=False)]
_GROUP = "/aws/sagemaker/Endpoints/"
_POLL_S = 0.5
_MEASURED = "naiad: engine"


@app.command("list")
def list_endpoints(as_json: options.Json = False) -> None:
    """List the endpoints, the newest first."""
    with aws_errors():
        pages = (
            client("sagemaker").get_paginator("list_endpoints").paginate(SortBy="CreationTime", SortOrder="Descending")
        )
        found = [endpoint for page in pages for endpoint in page["Endpoints"]]
    if as_json:
        give_json(found)
        return
    rows = [[one["EndpointName"], one["EndpointStatus"], _when(one["LastModifiedTime"])] for one in found]
    give_table(["name", "status", "changed"], rows)


@app.command()
def show(name: Name, as_json: options.Json = False) -> None:
    """Show an endpoint: its variants, why it failed, and what its engines were measured at."""
    with aws_errors():
        described = client("sagemaker").describe_endpoint(EndpointName=name)
        engines = measured(name)
    described.pop("ResponseMetadata", None)
    if as_json:
        give_json({**described, "Engines": engines})
        return
    give(f"name      {name}")
    give(f"status    {described['EndpointStatus']}")
    give(f"config    {described['EndpointConfigName']}")
    if reason := described.get("FailureReason"):
        give(f"failed    {reason}")
    give("")
    rows = [[one["VariantName"], f"{one['CurrentWeight']:g}", _instances(one)] for one in _of(described, "Production")]
    rows += [[one["VariantName"], "shadow", _instances(one)] for one in _of(described, "ShadowProduction")]
    give_table(["variant", "weight", "instances"], rows)
    for line in engines:
        give(line)


@app.command()
def invoke(
    name: Name,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Images, CSV, JSON, npy.", show_default=False)],
    content_type: Annotated[str | None, typer.Option(help="Of the files; by their endings if left out.")] = None,
    as_json: options.Json = False,
) -> None:
    """Ask an endpoint about files, a request each.

    An artifact gives a line a sample: name, label and score, separated by tabs. Other models' answers are printed as they are.
    """
    from naiad.client.bodies import file_body
    from naiad.client.connection import connect

    answers = []
    with aws_errors():
        endpoint = connect().endpoint(name)
        for file in files:
            body, usual = file_body(file)
            answer = endpoint.invoke(body, content_type or usual, accept="application/json")
            answers.append({"file": str(file), "answer": _value(answer)})
            if not as_json:
                _give_answer(str(file), answer)
    if as_json:
        give_json(answers)


@app.command()
def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until you stop it.")] = False,
) -> None:
    """Print what an endpoint's replicas wrote."""
    tokens: dict[str, str] = {}
    with aws_errors():
        while True:
            _give_new_lines(name, tokens)
            if not follow:
                return
            time.sleep(_POLL_S)


@app.command()
def delete(name: Name) -> None:
    """Delete an endpoint. What it had begun is finished; its model stays."""
    with aws_errors():
        client("sagemaker").delete_endpoint(EndpointName=name)


def measured(name: str) -> list[str]:
    """What was said of the engines at the last deployment of each variant."""
    pages = client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=_GROUP + name, filterPattern=json.dumps(_MEASURED))
    of_variant: dict[str, list[str]] = {}
    for event in (event for page in found for event in page["events"]):
        lines = of_variant.setdefault(event["logStreamName"].partition("/")[0], [])
        if lines and lines[-1].startswith("engine chosen"):
            lines.clear()
        lines.append(event["message"].removeprefix("naiad: "))
    if len(of_variant) < 2:
        return [line for lines in of_variant.values() for line in lines]
    return [f"{variant}  {line}" for variant, lines in of_variant.items() for line in lines]


def _of(described: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = described.get(f"{kind}Variants", [])
    return found


def _instances(variant: dict[str, Any]) -> str:
    now, wanted = variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]
    return f"{now} of {wanted}" if now <= wanted else f"{now}, going down to {wanted}"


def _give_answer(file: str, answer: bytes) -> None:
    from naiad.client.endpoint import labelled

    found = labelled(answer)
    if found is None:
        give(answer.decode("utf-8", "replace"))
        return
    for row, (label, scores) in enumerate(zip(found["labels"], found["scores"], strict=True)):
        sample = file if len(found["labels"]) == 1 else f"{file} row {row}"
        score = [f"{max(scores):.4f}"] if len(scores) > 1 else []
        give("\t".join([sample, str(label), *score]))


def _value(answer: bytes) -> Any:
    """JSON where it is that, else text."""
    try:
        return json.loads(answer)
    except ValueError:
        return answer.decode("utf-8", "replace")


def _give_new_lines(name: str, tokens: dict[str, str]) -> None:
    reader = client("logs")
    pages = reader.get_paginator("describe_log_streams").paginate(logGroupName=_GROUP + name)
    for stream in [one["logStreamName"] for page in pages for one in page["logStreams"]]:
        while True:
            more = {"nextToken": tokens[stream]} if stream in tokens else {}
            part = reader.get_log_events(logGroupName=_GROUP + name, logStreamName=stream, startFromHead=True, **more)
            for event in part["events"]:
                give(f"[{stream}] {event['message']}")
            if tokens.get(stream) == part["nextForwardToken"]:
                break
            tokens[stream] = part["nextForwardToken"]


def _when(moment: Any) -> str:
    return str(moment.astimezone().strftime("%Y-%m-%d %H:%M:%S"))
