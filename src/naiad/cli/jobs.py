"""``naiad jobs``: the training jobs of a server, from the command line."""

import re
import time
from typing import Annotated, Any

import typer

from naiad.cli import options
from naiad.cli.output import give, give_json, give_table
from naiad.cli.remote import aws_errors, client

app = typer.Typer(help="List, show, follow, stop and delete jobs.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The job's name.", show_default=False)]
_GROUP = "/aws/sagemaker/TrainingJobs"
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
    as_json: options.Json = False,
) -> None:
    """List the newest training jobs."""
    with aws_errors():
        query: dict[str, Any] = {"MaxResults": limit, "SortBy": "CreationTime", "SortOrder": "Descending"}
        sagemaker = client("sagemaker")
        found = sagemaker.list_training_jobs(**query, **({"StatusEquals": status} if status else {}))
        jobs = found["TrainingJobSummaries"]
        if as_json:
            give_json(jobs)
            return
        rows = [
            [job["TrainingJobName"], _status(sagemaker, job), _when(job["CreationTime"]), _took(job)] for job in jobs
        ]
    give_table(["name", "status", "created", "took"], rows)


@app.command()
def show(name: Name, as_json: options.Json = False) -> None:
    """Show a job: where it is, how it got there, and why it failed."""
    with aws_errors():
        job = client("sagemaker").describe_training_job(TrainingJobName=name)
    job.pop("ResponseMetadata", None)
    if as_json:
        give_json(job)
        return
    give(f"name      {name}")
    give(f"status    {job['TrainingJobStatus']}, {_waiting(job) or job['SecondaryStatus']}")
    if reason := job.get("FailureReason"):
        give(f"failed    {reason}")
    if artifacts := job.get("ModelArtifacts"):
        give(f"model     {artifacts['S3ModelArtifacts']}")
    for metric in job.get("FinalMetricDataList", []):
        give(f"metric    {metric['MetricName']} {metric['Value']:.6g}")
    give("")
    steps = [
        [step["Status"], _when(step["StartTime"]), step.get("StatusMessage", "")]
        for step in job["SecondaryStatusTransitions"]
    ]
    give_table(["phase", "since", "what"], steps)


@app.command()
def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
) -> None:
    """Print what a job's program wrote."""
    tokens: dict[str, str] = {}
    with aws_errors():
        while True:
            status = client("sagemaker").describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
            _give_new_lines(name, tokens)
            if not follow or status in _ENDS:
                return
            time.sleep(_POLL_S)


@app.command()
def stop(name: Name) -> None:
    """Ask a job to stop. What it has learnt so far is kept."""
    with aws_errors():
        client("sagemaker").stop_training_job(TrainingJobName=name)


@app.command()
def delete(name: Name) -> None:
    """Forget a job that has ended, with its log and metrics. What it put into S3 stays; its name is free again."""
    with aws_errors():
        client("sagemaker").delete_training_job(TrainingJobName=name)


def _status(sagemaker: Any, summary: dict[str, Any]) -> str:
    """A summary does not say how far in the queue a job is; one that waits is looked up."""
    if summary.get("SecondaryStatus") != "Pending":
        return str(summary["TrainingJobStatus"])
    return _waiting(sagemaker.describe_training_job(TrainingJobName=summary["TrainingJobName"])) or "InProgress"


def _waiting(job: dict[str, Any]) -> str:
    """``waiting, 3rd of 7``, from the message of its last step; "" for a job that does not wait."""
    if job["SecondaryStatus"] != "Pending":
        return ""
    place = _PLACE.search(job["SecondaryStatusTransitions"][-1].get("StatusMessage", ""))
    return f"waiting, {_ordinal(int(place[1]))} of {place[2]}" if place else "waiting"


def _ordinal(number: int) -> str:
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _give_new_lines(name: str, tokens: dict[str, str]) -> None:
    reader = client("logs")
    try:
        page = reader.describe_log_streams(logGroupName=_GROUP, logStreamNamePrefix=f"{name}/")
    except reader.exceptions.ResourceNotFoundException:
        return
    streams = [stream["logStreamName"] for stream in page["logStreams"]]
    for stream in streams:
        prefix = f"[{stream.partition('/')[2].rpartition('-')[0]}] " if len(streams) > 1 else ""
        while True:
            more = {"nextToken": tokens[stream]} if stream in tokens else {}
            part = reader.get_log_events(logGroupName=_GROUP, logStreamName=stream, startFromHead=True, **more)
            for event in part["events"]:
                give(prefix + event["message"])
            if tokens.get(stream) == part["nextForwardToken"]:
                break
            tokens[stream] = part["nextForwardToken"]


def _when(moment: Any) -> str:
    return str(moment.astimezone().strftime("%Y-%m-%d %H:%M:%S"))


def _took(job: dict[str, Any]) -> str:
    end = job.get("TrainingEndTime")
    return f"{(end - job['CreationTime']).total_seconds():.1f} s" if end else "–"
