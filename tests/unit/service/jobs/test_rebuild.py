"""Jobs that are found again in their folders, as their last attempt left them."""

import datetime as dt
import json
from pathlib import Path

import pytest

from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.domain.status import Phase, Status
from naiad.service.executors.instance_files import AGENT_FILE, write_report, write_spec
from naiad.service.executors.port import InstanceReport, InstanceSpec
from naiad.service.jobs.layout import job_folder, job_instances
from naiad.service.jobs.rebuild import add_missing_jobs, has_job_folders, read_job
from naiad.service.store.open import open_store

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KIND = JobKind.PROCESSING
COMPLETED, FAILED = InstanceReport(Phase.COMPLETED, alive=False), InstanceReport(Phase.FAILED, False, "", "out of luck")


def leave_attempt(state: Path, name: str, attempt: int, *reports: InstanceReport | None) -> Path:
    """Writes the files of one attempt, with a report for each instance, or None. Returns the job's folder."""
    resources = ResourceRequest(len(reports), 1, 1)
    job = Job(KIND, name, "us-east-1", {"ProcessingJobName": name}, resources, AT, AT, attempt=attempt)
    for instance, report in zip(job_instances(state, job), reports, strict=True):
        instance.folder.mkdir(parents=True)
        hosts = tuple(f"algo-{number + 1}" for number in range(len(reports)))
        write_spec(
            InstanceSpec(instance, job.arn, job.request, hosts, (0,), 1, "us-east-1", "http://127.0.0.1:1", "A", "S")
        )
        (instance.folder / AGENT_FILE).write_text(json.dumps({"pid": 1, "started": 1, "boot": "x"}))
        if report is not None:
            write_report(instance.folder, report)
    return job_folder(state, KIND, name)


def test_a_job_whose_instances_have_all_ended_has_ended(tmp_path: Path) -> None:
    job = read_job(leave_attempt(tmp_path, "one", 1, COMPLETED, COMPLETED))
    assert (job.status, job.attempt, job.resources.instances) == (Status.COMPLETED, 1, 2)
    assert job.ended_at is not None
    assert "the database had lost it" in job.transitions[0].message


def test_the_failure_of_one_instance_is_that_of_the_job(tmp_path: Path) -> None:
    job = read_job(leave_attempt(tmp_path, "one", 1, COMPLETED, FAILED))
    assert (job.status, job.failure_reason) == (Status.FAILED, "out of luck")


@pytest.mark.parametrize("report", [None, InstanceReport(Phase.TRAINING, alive=True)])
def test_a_job_that_may_run_is_left_to_the_supervisor(tmp_path: Path, report: InstanceReport | None) -> None:
    assert read_job(leave_attempt(tmp_path, "one", 1, COMPLETED, report)).phase is Phase.STARTING


def test_the_last_attempt_counts(tmp_path: Path) -> None:
    leave_attempt(tmp_path, "one", 9, FAILED)
    job = read_job(leave_attempt(tmp_path, "one", 10, COMPLETED))
    assert (job.status, job.attempt) == (Status.COMPLETED, 10)


def test_a_folder_that_was_moved_is_read_where_it_lies(tmp_path: Path) -> None:
    leave_attempt(tmp_path / "old", "one", 1, COMPLETED)
    (tmp_path / "old").rename(tmp_path / "new")
    assert read_job(job_folder(tmp_path / "new", KIND, "one")).status is Status.COMPLETED


def test_only_missing_jobs_are_added_and_unreadable_folders_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert not has_job_folders(tmp_path)
    leave_attempt(tmp_path, "one", 1, COMPLETED)
    damaged = leave_attempt(tmp_path, "two", 1, COMPLETED)
    (damaged / "1" / "algo-1" / "spec.json").write_text("{")
    assert has_job_folders(tmp_path)
    store = open_store(tmp_path)
    assert add_missing_jobs(store, tmp_path) == 1
    assert add_missing_jobs(store, tmp_path) == 0
    assert store.get(KIND, "one").status is Status.COMPLETED
    assert "processing-job two cannot be rebuilt" in caplog.text
    store.close()
