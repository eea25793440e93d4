"""``naiad jobs``: the jobs of a server, from the command line."""

import re
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naiad.cli import options
from naiad.cli.output import give, give_json, give_table
from naiad.cli.remote import aws_errors, client

if TYPE_CHECKING:
    from naiad.cli.job_kinds import Kind

app = typer.Typer(help="List, show, follow, stop and delete jobs.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The job's name.", show_default=False)]
OfKind = Annotated[
    str | None, typer.Option("--kind", metavar="KIND", help="training, processing or transform; any if left out.")
]
_ENDS = ("Completed", "Failed", "Stopped")
_POLL_S = 0.5
_PLACE = re.compile(r"(\d+) of (\d+) in the queue$")
"""As Naiad's servers say it; others say nothing of it."""


@app.command("list")
def list_jobs(
    status: Annotated[
        str | None, typer.Option(help="InProgress, Completed, Failed, Stopping or Stopped; all if left out.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    kind: OfKind = None,
    as_json: options.Json = False,
) -> None:
    """List the newest jobs of all kinds."""
    from naiad.cli.job_kinds import kinds_of

    with aws_errors():
        sagemaker = client("sagemaker")
        found = [(one, job) for one in kinds_of(kind) for job in one.newest(sagemaker, limit, status)]
        jobs = sorted(found, key=lambda pair: pair[1]["CreationTime"], reverse=True)[:limit]
        if as_json:
            give_json([{"Kind": one.word, **job} for one, job in jobs])
            return
        rows = [
            [one.name_of(job), one.word, _status(sagemaker, one, job), _when(job["CreationTime"]), _took(one, job)]
            for one, job in jobs
        ]
    give_table(["name", "kind", "status", "created", "took"], rows)


@app.command()
def show(name: Name, kind: OfKind = None, as_json: options.Json = False) -> None:
    """Show a job: where it is, how it got there, and why it failed."""
    with aws_errors():
        of, job = _found(name, kind)
        results = _results(job) if of.status_of(job) in _ENDS and not as_json else []
    if as_json:
        give_json(job)
        return
    phase = job.get("SecondaryStatus")
    give(f"name      {name}")
    give(f"kind      {of.word}")
    give(f"status    {of.status_of(job)}{f', {_waiting(job) or phase}' if phase else ''}")
    if reason := job.get("FailureReason"):
        give(f"failed    {reason}")
    if said := job.get("ExitMessage"):
        give(f"said      {said}")
    for result in results:
        give(result)
    for metric in job.get("FinalMetricDataList", []):
        give(f"metric    {metric['MetricName']} {metric['Value']:.6g}")
    give("")
    _give_steps(of, job)


@app.command()
def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    kind: OfKind = None,
) -> None:
    """Print what a job's program wrote."""
    tokens: dict[str, str] = {}
    with aws_errors():
        of, job = _found(name, kind)
        while True:
            _give_new_lines(of.log_group, name, tokens)
            if not follow or of.status_of(job) in _ENDS:
                return
            time.sleep(_POLL_S)
            job = of.describe(client("sagemaker"), name)


@app.command()
def stop(name: Name, kind: OfKind = None) -> None:
    """Ask a job to stop. What it has learnt so far is kept."""
    with aws_errors():
        of, _ = _found(name, kind)
        of.stop(client("sagemaker"), name)


@app.command()
def delete(name: Name, kind: OfKind = None) -> None:
    """Forget a job that has ended, with its log and metrics. What it put into S3 stays; its name is free again."""
    with aws_errors():
        of, _ = _found(name, kind)
        of.delete(client("sagemaker"), name)


def _found(name: str, kind: str | None) -> "tuple[Kind, dict[str, Any]]":
    """Raises InputError where there is no such job."""
    from naiad.cli.job_kinds import found_job, kinds_of

    return found_job(client("sagemaker"), name, kinds_of(kind))


def _results(job: dict[str, Any]) -> list[str]:
    """Where a job that has ended put what it made; a model only where there is one."""
    from naiad.client.job import model_left

    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    lines = [f"output    {one['S3Output']['S3Uri']}" for one in outputs]
    if "TransformOutput" in job:
        lines.append(f"output    {job['TransformOutput']['S3OutputPath']}")
    if model := model_left(job, client("s3")):
        lines.append(f"model     {model}")
    return lines


def _give_steps(kind: "Kind", job: dict[str, Any]) -> None:
    """The phases; of kinds that AWS has none for, the times."""
    if "SecondaryStatusTransitions" not in job:
        word = kind.word.title()
        times = {"created": "CreationTime", "started": f"{word}StartTime", "ended": f"{word}EndTime"}
        give_table(["step", "at"], [[step, _when(job[key])] for step, key in times.items() if key in job])
        return
    steps = [
        [step["Status"], _when(step["StartTime"]), step.get("StatusMessage", "")]
        for step in job["SecondaryStatusTransitions"]
    ]
    give_table(["phase", "since", "what"], steps)


def _status(sagemaker: Any, kind: "Kind", summary: dict[str, Any]) -> str:
    """A summary does not say how far in the queue a job is; one that waits is looked up."""
    if summary.get("SecondaryStatus") != "Pending":
        return kind.status_of(summary)
    return _waiting(kind.describe(sagemaker, kind.name_of(summary))) or "InProgress"


def _waiting(job: dict[str, Any]) -> str:
    """``waiting, 3rd of 7``, from the message of its last step; "" for a job that does not wait."""
    if job["SecondaryStatus"] != "Pending":
        return ""
    place = _PLACE.search(job["SecondaryStatusTransitions"][-1].get("StatusMessage", ""))
    return f"waiting, {_ordinal(int(place[1]))} of {place[2]}" if place else "waiting"


def _ordinal(number: int) -> str:
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _give_new_lines(group: str, name: str, tokens: dict[str, str]) -> None:
    reader = client("logs")
    try:
        page = reader.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")
    except reader.exceptions.ResourceNotFoundException:
        return
    streams = [stream["logStreamName"] for stream in page["logStreams"]]
    for stream in streams:
        prefix = f"[{stream.partition('/')[2].rpartition('-')[0]}] " if len(streams) > 1 else ""
        while True:
            more = {"nextToken": tokens[stream]} if stream in tokens else {}
            part = reader.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **more)
            for event in part["events"]:
                give(prefix + event["message"])
            if tokens.get(stream) == part["nextForwardToken"]:
                break
            tokens[stream] = part["nextForwardToken"]


def _when(moment: Any) -> str:
    return str(moment.astimezone().strftime("%Y-%m-%d %H:%M:%S"))


def _took(kind: "Kind", job: dict[str, Any]) -> str:
    end = job.get(f"{kind.word.title()}EndTime")
    return f"{(end - job['CreationTime']).total_seconds():.1f} s" if end else "–"
