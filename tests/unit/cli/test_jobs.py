import json
import threading
from typing import Any

import pytest

from naiad.cli.jobs import _ordinal
from naiad.cli.main import main
from naiad.cli.run_command import SUCCESS, USAGE_ERROR
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase


def out(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = SUCCESS) -> str:
    assert main(["jobs", *arguments]) == status
    captured = capsys.readouterr()
    return captured.out if status == SUCCESS else captured.err


def test_the_newest_come_first_and_waiting_jobs_show_their_position(
    service: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        service.create(f"job-{number}")
    service.tick(2)
    lines = out(capsys, "list").splitlines()
    assert lines[0].split() == ["name", "kind", "status", "created", "took"]
    assert [line.split()[0] for line in lines[1:]] == ["job-3", "job-2", "job-1", "job-0"]
    assert "waiting, 3rd of 3" in lines[1]
    assert "waiting, 2nd of 3" in lines[2]
    assert "InProgress" in lines[4]


def test_a_list_can_be_limited_and_filtered(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("bad", "good"):
        service.create(name)
        service.tick()
    service.finish("bad", Phase.FAILED, "AlgorithmError: no")
    names = [job["TrainingJobName"] for job in json.loads(out(capsys, "list", "--status", "Failed", "--json"))]
    assert names == ["bad"]
    assert len(json.loads(out(capsys, "list", "--limit", "1", "--json"))) == 1


def test_show_prints_the_phases_and_why_the_job_failed(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    service.create("one")
    service.tick()
    service.finish("one", Phase.FAILED, "AlgorithmError: ValueError: no (train.py, line 3)")
    shown = out(capsys, "show", "one")
    assert "status    Failed, Failed" in shown
    assert "failed    AlgorithmError: ValueError: no (train.py, line 3)" in shown
    assert "Starting" in shown
    assert json.loads(out(capsys, "show", "one", "--json"))["TrainingJobName"] == "one"


def test_a_waiting_job_shows_its_position(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        service.create(name)
    service.tick(2)
    shown = out(capsys, "show", "two")
    assert "status    InProgress, waiting, 1st of 1" in shown
    assert "1 of 1 in the queue" in shown


def test_logs_are_followed_to_the_end(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    service.create("one")
    assert out(capsys, "logs", "one") == ""
    service.tick()
    service.log("one", "first", "second")
    assert out(capsys, "logs", "one").splitlines() == ["first", "second"]
    ending = threading.Timer(0.2, lambda: (service.log("one", "third"), service.finish("one")))
    ending.start()
    followed = out(capsys, "logs", "-f", "one").splitlines()
    ending.join()
    assert followed == ["first", "second", "third"]


def test_stop_and_delete(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    service.create("one")
    service.tick()
    refused = out(capsys, "delete", "one", status=USAGE_ERROR)
    assert refused.startswith("error: training-job one is InProgress; stop it")
    out(capsys, "stop", "one")
    service.tick(3)
    out(capsys, "delete", "one")
    assert "there is no job of the name one" in out(capsys, "show", "one", status=USAGE_ERROR)


def process(service: Any, name: str) -> None:
    target = {"S3Uri": "s3://naiad/out", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    service.client("sagemaker").create_processing_job(
        ProcessingJobName=name,
        RoleArn="arn:aws:iam::000000000000:role/naiad",
        AppSpecification={"ImageUri": "python", "ContainerEntrypoint": ["true"]},
        ProcessingResources={"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": target}]},
    )


def test_jobs_of_all_kinds_are_listed_shown_and_deleted(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    service.create("net")
    process(service, "prepare")
    assert [line.split()[:2] for line in out(capsys, "list").splitlines()[1:]] == [
        ["prepare", "processing"],
        ["net", "training"],
    ]
    [listed] = json.loads(out(capsys, "list", "--kind", "processing", "--json"))
    assert (listed["Kind"], listed["ProcessingJobName"]) == ("processing", "prepare")
    out(capsys, "stop", "net")
    service.tick()
    service.log("prepare", "rows", kind=JobKind.PROCESSING)
    assert out(capsys, "logs", "prepare") == "rows\n"
    assert "s3://naiad/out" not in out(capsys, "show", "prepare")
    out(capsys, "stop", "prepare")
    service.tick(3)
    shown = out(capsys, "show", "prepare")
    for line in ("kind      processing", "status    Stopped", "output    s3://naiad/out", "ended"):
        assert line in shown
    assert json.loads(out(capsys, "show", "prepare", "--json"))["ProcessingJobStatus"] == "Stopped"
    out(capsys, "delete", "prepare")
    assert "there is no job of the name prepare" in out(capsys, "logs", "prepare", status=USAGE_ERROR)


def test_the_kind_selects_among_jobs_of_one_name(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    service.create("same")
    process(service, "same")
    assert "kind      training" in out(capsys, "show", "same")
    assert "kind      processing" in out(capsys, "show", "same", "--kind", "processing")
    refused = out(capsys, "show", "same", "--kind", "proces", status=USAGE_ERROR)
    assert "no kind of job 'proces'" in refused
    assert "did you mean 'processing'?" in refused


def test_a_model_is_shown_where_the_job_left_one(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        service.create(name)
        service.tick()
        assert "s3://" not in out(capsys, "show", name)
        service.finish(name)
    service.client("s3").put_object(Bucket="naiad", Key="two/output/model.tar.gz", Body=b"x")
    assert "s3://" not in out(capsys, "show", "one")
    assert "model     s3://naiad/two/output/model.tar.gz" in out(capsys, "show", "two")


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (112, "112th"), (21, "21st")]
)
def test_ordinals(number: int, text: str) -> None:
    assert _ordinal(number) == text


def test_what_a_program_wrote_is_shown_without_effect_on_a_terminal(
    service: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log stays as it is for the API: boto3 sees each letter."""
    service.create("one")
    service.tick()
    written = "\x1b[2Kloss \x9b1A \u202e0.1"
    service.log("one", written)
    assert out(capsys, "logs", "one") == r"\x1b[2Kloss \x9b1A \u202e0.1" + "\n"
    events = service.client("logs").filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs")["events"]
    assert [event["message"] for event in events] == [written]
    service.finish("one", Phase.FAILED, "AlgorithmError: \x1b[A\nstatus    Completed")
    shown = out(capsys, "show", "one")
    assert "failed    AlgorithmError: \\x1b[A\n          status    Completed\n" in shown
    assert "\x1b" not in shown
    assert "\x1b" not in out(capsys, "show", "one", "--json")
