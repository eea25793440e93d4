"""Kills the server, agents and the search at random during a tuning job, and checks that no trial is lost or made twice.

python benchmarks/service_tuning_kills.py [kills]

The trials are Naiad's trainer on a small table, with Hyperband: they pause at epochs 1, 3 and 9 of 27, and the best go on. At the
end it is checked that
- the tuning job has completed, each trial has one training job, and each training job is a trial;
- the numbers of the trials have no gap, and no two trials have the same values;
- a trial whose agent was never killed has trained no epoch twice;
- the objective of each trial is the last that its log has;
- no trial has failed but one whose agents were killed five times.
"""

import contextlib
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from live_server import ROLE, LiveServer, serve, start_server
from log import log_row

from naiad.service.executors.instance_files import AGENT_FILE, read_process
from naiad.service.executors.process import Process

NAME = "halved"
TRIALS, EPOCHS, ROWS = 16, 27, 4_000
PAUSE_S = (0.5, 4.0)
"""Limits of the pause between two kills."""
TIMEOUT_S = 1_800.0
MAX_LOST_ATTEMPTS = 5
"""The number of lost attempts after which the server fails a job, see docs/concepts/service.md."""
KINDS = ("server", "server", "agent", "search")


def table() -> bytes:
    """Returns a table of two classes that no network separates at once."""
    draw = random.Random(0)
    lines = ["a,b,c,kind"]
    for _ in range(ROWS):
        values = [draw.gauss(0, 1) for _ in range(3)]
        is_far = values[0] * values[1] + 0.5 * values[2] + draw.gauss(0, 0.3) > 0
        lines.append(f"{values[0]:.4f},{values[1]:.4f},{values[2]:.4f},{'far' if is_far else 'near'}")
    return "\n".join(lines).encode()


def tuning_request() -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://naiad/table/", "S3DataDistributionType": "FullyReplicated"}
    static = {"net": "mlp", "label": "kind", "epochs": str(EPOCHS), "report": "false", "plan.measure_fraction": "0"}
    rates = {"Name": "plan.learning_rate", "MinValue": "0.0001", "MaxValue": "0.3", "ScalingType": "Logarithmic"}
    return {
        "HyperParameterTuningJobName": NAME,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Hyperband",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [rates]},
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
            "StaticHyperParameters": static,
            "RoleArn": ROLE,
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": "s3://naiad/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
        "Tags": [{"Key": "naiad:cores", "Value": "1"}],
    }


class Killer:
    def __init__(self, server: LiveServer, seed: int) -> None:
        self.server, self.draw = server, random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        """The number of killed agents by job."""

    def kill_one(self) -> None:
        kind = self.draw.choice(KINDS)
        if kind == "server":
            self.server.process.send_signal(signal.SIGKILL)
            self.server.process.wait()
            self.server.process = start_server(self.server.state)
        elif kind == "agent" and (agents := self._agents()):
            name, process = self.draw.choice(agents)
            process.signal(signal.SIGKILL)
            self.hits[name] += 1
        elif kind == "search" and (pid := self._search_pid()) is not None:
            os.kill(pid, signal.SIGKILL)
        else:
            return
        self.kills[kind] += 1

    def _agents(self) -> list[tuple[str, Process]]:
        found = []
        for file in self.server.state.glob(f"jobs/training-job/{NAME}-*/*/algo-1/{AGENT_FILE}"):
            process = read_process(file)
            if process is not None and process.is_alive:
                found.append((file.parents[2].name, process))
        return found

    def _search_pid(self) -> int | None:
        children = Path(f"/proc/{self.server.process.pid}/task").glob("*/children")
        for pid in (pid for file in children for pid in file.read_text(encoding="utf-8").split()):
            with contextlib.suppress(OSError):
                if b"search_process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return int(pid)
        return None


def status(server: LiveServer) -> str:
    """Returns the status of the tuning job; "" while the server does not answer."""
    try:
        job = server.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=NAME)
    except (ClientError, HTTPClientError, NoConnection):
        return ""
    return str(job["HyperParameterTuningJobStatus"])


def run_kills(kill_count: int, seed: int) -> tuple[Killer, list[str], int]:
    """Returns the killer, the faults, and the epochs that were trained twice because an agent was killed."""
    with serve() as server:
        server.client("s3").put_object(Bucket="naiad", Key="table/things.csv", Body=table())
        server.client("sagemaker").create_hyper_parameter_tuning_job(**tuning_request())
        killer, deadline = Killer(server, seed), time.monotonic() + TIMEOUT_S
        while status(server) in ("", "InProgress") and time.monotonic() < deadline:
            time.sleep(killer.draw.uniform(*PAUSE_S))
            if killer.kills.total() < kill_count:
                killer.kill_one()
                print(dict(killer.kills), flush=True)
        return killer, *find_errors(server, killer)


def find_errors(server: LiveServer, killer: Killer) -> tuple[list[str], int]:
    client, errors, repeated = server.client("sagemaker"), [], 0
    if status(server) != "Completed":
        errors.append(f"the tuning job is {status(server)}")
    trials = client.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=NAME, MaxResults=100, SortBy="Name"
    )["TrainingJobSummaries"]
    names = [trial["TrainingJobName"] for trial in trials]
    jobs = [job["TrainingJobName"] for job in client.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]]
    if sorted(jobs) != names:
        errors.append(f"{len(jobs)} training jobs of {len(names)} trials")
    if [int(name.split("-")[1]) for name in names] != list(range(1, TRIALS + 1)):
        errors.append(f"the trials are {names}")
    if len({str(trial["TunedHyperParameters"]) for trial in trials}) != len(trials):
        errors.append("two trials have the same values")
    for trial in trials:
        lines = [line for line in server.log_lines(trial["TrainingJobName"]) if re.match(r"epoch +\d", line)]
        epochs = [int(re.findall(r"\d+", line)[0]) for line in lines]
        twice = len(epochs) - len(set(epochs))
        repeated += twice
        if twice and trial["TrainingJobName"] not in killer.hits:
            errors.append(f"{trial['TrainingJobName']} has trained {twice} epochs twice: {epochs}")
        if trial["TrainingJobStatus"] == "Failed" and killer.hits[trial["TrainingJobName"]] >= MAX_LOST_ATTEMPTS:
            continue
        if trial["TrainingJobStatus"] not in ("Completed", "Stopped"):
            errors.append(f"{trial['TrainingJobName']} is {trial['TrainingJobStatus']}: {trial.get('FailureReason')}")
        errors += find_objective_errors(trial, lines)
    return errors, repeated


def find_objective_errors(trial: dict[str, Any], lines: list[str]) -> list[str]:
    metric = trial.get("FinalHyperParameterTuningJobObjectiveMetric")
    match = re.search(r"validation accuracy ([0-9.]+)", lines[-1]) if lines else None
    logged = None if match is None else float(match[1])
    if metric is None or logged is None or metric["Value"] != logged:
        return [f"{trial['TrainingJobName']} has the objective {metric}, and its log {logged}"]
    return []


def main() -> None:
    kill_count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    killer, errors, repeated = run_kills(kill_count, seed=0)
    for error_text in errors:
        print(error_text)
    words = {"server": "of the server", "agent": "of agents", "search": "of the search"}
    note = ", ".join(f"{count} {words[kind]}" for kind, count in sorted(killer.kills.items()))
    note += f"; {repeated} epochs since a checkpoint were trained again after a kill of their agent"
    claim = f"trials lost, made twice or wrong under {killer.kills.total()} random kills -9, of {TRIALS} with pauses"
    print(log_row(claim, [float(len(errors))], unit="faults", goal="0", script="service_tuning_kills.py", note=note))


if __name__ == "__main__":
    main()
