"""Backups of a live server, and servers that start beside a database that was lost or damaged."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from faulty_server import FINAL_STATUSES, training_request

pytestmark = pytest.mark.slow


def naiad(server: Any, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "NAIAD_STATE": str(server.state)}
    return subprocess.run(
        [sys.executable, "-m", "naiad.cli", *words], env=environment, capture_output=True, text=True, check=False
    )


def run_job(server: Any, name: str) -> None:
    sagemaker = server.client("sagemaker")
    sagemaker.create_training_job(**training_request(name))
    deadline = time.monotonic() + 60
    while sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] not in FINAL_STATUSES:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def job_names(server: Any) -> set[str]:
    jobs = server.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    return {job["TrainingJobName"] for job in jobs}


def experiment_names(server: Any) -> set[str]:
    found = server.client("sagemaker").list_experiments()["ExperimentSummaries"]
    return {one["ExperimentName"] for one in found}


def test_a_lost_database_comes_back_from_folders_and_all_of_it_from_a_backup(server: Any, tmp_path: Path) -> None:
    server.client("sagemaker").create_experiment(ExperimentName="study")
    run_job(server, "before")
    made = naiad(server, "backup", str(tmp_path / "backups"))
    assert made.returncode == 0, made.stderr
    run_job(server, "after")
    server.end(signal.SIGKILL)
    (server.state / "naiad.db").write_bytes(bytes(8192))
    server.start()
    log = server.state.with_name("server.log").read_text(encoding="utf-8")
    assert "is damaged: file is not a database; it is repaired" in log
    assert "2 jobs were rebuilt from their folders" in log
    assert job_names(server) == {"before", "after"}
    described = server.client("sagemaker").describe_training_job(TrainingJobName="after")
    assert described["TrainingJobStatus"] == "Completed"
    assert experiment_names(server) == set(), "a folder has none"
    refused = naiad(server, "restore", str(tmp_path / "backups"))
    assert (refused.returncode, "in use by" in refused.stderr) == (2, True)
    assert server.end(signal.SIGTERM) == 0
    restored = naiad(server, "restore", str(tmp_path / "backups"))
    assert restored.returncode == 0, restored.stderr
    server.start()
    assert experiment_names(server) == {"study"}
    assert job_names(server) == {"before", "after"}


def test_a_server_makes_backups_by_itself_and_repairs_with_them(server: Any, tmp_path: Path) -> None:
    server.client("sagemaker").create_experiment(ExperimentName="study")
    assert server.end(signal.SIGTERM) == 0
    options = ("--no-warm", "--backup-to", str(tmp_path / "backups"))
    server.start(*options)
    deadline = time.monotonic() + 30
    while not list((tmp_path / "backups").glob("naiad-*/backup.json")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.end(signal.SIGKILL)
    (server.state / "naiad.db").write_bytes(b"no database" * 1000)
    server.start(*options)
    assert experiment_names(server) == {"study"}
