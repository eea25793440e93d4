"""``naiad jobs``: the jobs of a server, from the command line."""

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naiad.cli import options
from naiad.cli.output import format_time, print_field, print_json, print_line, print_table
from naiad.cli.remote import make_client, translate_aws_errors
from naiad.cli.tuning_jobs import print_tuning_job, tuning_status

if TYPE_CHECKING:
    from naiad.cli.job_kinds import JobKindApi
    from naiad.client.log_reader import LogReader

app = typer.Typer(help="List, show, follow, stop and delete jobs.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The job's name.", show_default=False)]
KindOption = Annotated[
    str | None,
    typer.Option("--kind", metavar="KIND", help="training, processing, transform or tuning; any if left out."),
]
_FINAL_STATUSES = ("Completed", "Failed", "Stopped")
_POLL_S = 0.5
_QUEUE_POSITION = re.compile(r"(\d+) of (\d+) in the queue$")
"""End of the status message of a waiting job on Naiad's servers; other servers give no position."""


@app.command("list")
def list_jobs(
    status: Annotated[
        str | None, typer.Option(help="InProgress, Completed, Failed, Stopping or Stopped; all if left out.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    kind: KindOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """List the newest jobs of all kinds."""
    from naiad.cli.job_kinds import select_kinds

    with translate_aws_errors():
        sagemaker = make_client("sagemaker")
        pairs = [(api, job) for api in select_kinds(kind) for job in api.list_newest(sagemaker, limit, status)]
        newest = sorted(pairs, key=lambda pair: pair[1]["CreationTime"], reverse=True)[:limit]
        if as_json:
            print_json([{"Kind": api.word, **job} for api, job in newest])
            return
        rows = [
            [
                api.name_of(job),
                api.word,
                _status(sagemaker, api, job),
                format_time(job["CreationTime"]),
                _took(api, job),
            ]
            for api, job in newest
        ]
    print_table(["name", "kind", "status", "created", "took"], rows)


@app.command()
def show(name: NameArgument, kind: KindOption = None, as_json: options.JsonOption = False) -> None:
    """Show a job: its status and phases, its results, and why it failed."""
    with translate_aws_errors():
        api, job = _find_job(name, kind)
        results = _result_lines(job) if api.status_of(job) in _FINAL_STATUSES and not as_json else []
    if as_json:
        print_json(job)
        return
    phase = job.get("SecondaryStatus")
    if api.is_tuning:
        with translate_aws_errors():
            print_tuning_job(make_client("sagemaker"), job)
        return
    print_line(f"name      {name}")
    print_line(f"kind      {api.word}")
    print_line(f"status    {api.status_of(job)}{f', {_phase_text(job)}' if phase else ''}")
    if reason := job.get("FailureReason"):
        print_field("failed", reason)
    if message := job.get("ExitMessage"):
        print_field("said", message)
    for result in results:
        print_line(result)
    for metric in job.get("FinalMetricDataList", []):
        print_line(f"metric    {metric['MetricName']} {metric['Value']:.6g}")
    print_line("")
    _print_phases(api, job)


@app.command()
def logs(
    name: NameArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue until the job ends.")] = False,
    kind: KindOption = None,
) -> None:
    """Print what a job's program wrote."""
    from naiad.client.log_reader import LogReader

    with translate_aws_errors():
        api, job = _find_job(name, kind)
        reader = LogReader(make_client("logs"), api.log_group, prefix=f"{name}/", missing_ok=True)
        while True:
            for line in _new_lines(reader):
                print_line(line)
            if not follow or api.status_of(job) in _FINAL_STATUSES:
                return
            time.sleep(_POLL_S)
            job = api.describe(make_client("sagemaker"), name)


@app.command()
def stop(name: NameArgument, kind: KindOption = None) -> None:
    """Ask a job to stop. What it has learnt so far is kept."""
    with translate_aws_errors():
        api, _ = _find_job(name, kind)
        api.stop(make_client("sagemaker"), name)


@app.command()
def delete(name: NameArgument, kind: KindOption = None) -> None:
    """Delete a job that has ended, with its log and metrics. What it put into S3 stays; its name is free again."""
    with translate_aws_errors():
        api, _ = _find_job(name, kind)
        api.delete(make_client("sagemaker"), name)


def _find_job(name: str, kind: str | None) -> "tuple[JobKindApi, dict[str, Any]]":
    """Raises InputError where there is no such job."""
    from naiad.cli.job_kinds import find_job, select_kinds

    return find_job(make_client("sagemaker"), name, select_kinds(kind))


def _result_lines(job: dict[str, Any]) -> list[str]:
    """Returns where a job that has ended put its outputs and its model, if it left one."""
    from naiad.client.job import find_model_uri

    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    lines = [f"output    {output['S3Output']['S3Uri']}" for output in outputs]
    if "TransformOutput" in job:
        lines.append(f"output    {job['TransformOutput']['S3OutputPath']}")
    if model := find_model_uri(job, make_client("s3")):
        lines.append(f"model     {model}")
    return lines


def _print_phases(api: "JobKindApi", job: dict[str, Any]) -> None:
    """Prints the phases of a training job, and the times of a kind for which AWS has no phases."""
    if "SecondaryStatusTransitions" not in job:
        word = api.word.title()
        times = {"created": "CreationTime", "started": f"{word}StartTime", "ended": f"{word}EndTime"}
        print_table(["step", "at"], [[step, format_time(job[key])] for step, key in times.items() if key in job])
        return
    phases = [
        [phase["Status"], format_time(phase["StartTime"]), phase.get("StatusMessage", "")]
        for phase in job["SecondaryStatusTransitions"]
    ]
    print_table(["phase", "since", "what"], phases)


def _status(sagemaker: Any, api: "JobKindApi", summary: dict[str, Any]) -> str:
    """Returns the status. A summary has no queue position and no best trial, so such a job is described."""
    if api.is_tuning:
        return tuning_status(api.describe(sagemaker, api.name_of(summary)))
    if summary.get("SecondaryStatus") != "Pending":
        return api.status_of(summary)
    return _queue_text(api.describe(sagemaker, api.name_of(summary))) or "InProgress"


def _phase_text(job: dict[str, Any]) -> str:
    """Returns the phase of a job; of one that waits its position, and of a paused trial the epoch at which it has paused."""
    if job["SecondaryStatus"] == "Interrupted":
        return str(job["SecondaryStatusTransitions"][-1].get("StatusMessage") or "paused")
    return _queue_text(job) or str(job["SecondaryStatus"])


def _queue_text(job: dict[str, Any]) -> str:
    """Returns ``waiting, 3rd of 7``, from the message of the job's last phase; "" for a job that does not wait."""
    if job["SecondaryStatus"] != "Pending":
        return ""
    position = _QUEUE_POSITION.search(job["SecondaryStatusTransitions"][-1].get("StatusMessage", ""))
    return f"waiting, {_ordinal(int(position[1]))} of {position[2]}" if position else "waiting"


def _ordinal(number: int) -> str:
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _new_lines(reader: "LogReader") -> Iterator[str]:
    """Yields the lines; of several instances each with the instance's name."""
    streams = reader.stream_names()
    for stream in streams:
        prefix = f"[{stream.partition('/')[2].rpartition('-')[0]}] " if len(streams) > 1 else ""
        for line in reader.new_lines(stream):
            yield prefix + line


def _took(api: "JobKindApi", job: dict[str, Any]) -> str:
    end = job.get(api.end_key)
    return f"{(end - job['CreationTime']).total_seconds():.1f} s" if end else "–"
