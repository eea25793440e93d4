"""Kills the server and agents at random during a queue of short jobs, and checks that nothing is lost or done twice.

python benchmarks/service_kills.py [kills]

Half of the kills hit the server, which is started again on its folder and port; the others hit the agent of a running job.
Meanwhile a client creates jobs, stores objects, and repeats requests without an answer. At the end it is checked that
- every accepted job has ended exactly once: one final transition, and one attempt whose program finished;
- no two attempts of a job ran at the same time;
- the last attempt's log has every line of its program, in order, and the model is that attempt's;
- every acknowledged object is there, and whole.
"""

import io
import itertools
import json
import random
import signal
import sys
import tarfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from live_server import FINAL_STATUSES, LiveServer, serve, start_server, training_request
from log import log_row

from naiad.service.executors.instance_files import AGENT_FILE, read_process
from naiad.service.executors.process import Process

LINES = 20
SCRIPT = f"""
import os, pathlib, time, uuid
token = uuid.uuid4().hex
for number in range({LINES}):
    print("line", number, token, flush=True)
    time.sleep(0.02)
pathlib.Path(os.environ["SM_MODEL_DIR"], "token").write_text(token)
"""
QUEUE = 6
"""The number of jobs that the client keeps waiting or running."""
PAUSE_S = (0.05, 0.9)
"""Limits of the pause between two kills."""
MAX_LOST_ATTEMPTS = 5
"""The number of lost attempts after which the server fails a job, see docs/concepts/service.md."""
WARM_FRACTION = 0.5
"""The fraction of servers that keep a warm interpreter."""
CLIENT_CONFIG = Config(retries={"mode": "standard", "max_attempts": 1}, connect_timeout=5, read_timeout=30)


@dataclass
class Client:
    """Creates jobs and objects until it is stopped, and records those that were acknowledged."""

    server: LiveServer
    is_over: threading.Event = field(default_factory=threading.Event)
    accepted: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    retries: int = 0

    def run(self) -> None:
        random_state = random.Random(0)
        number = 0
        while not self.is_over.is_set():
            self._create_next(number, random_state.randbytes(random_state.randrange(200_000)))
            number += 1
            while not self.is_over.is_set() and self._unfinished() >= QUEUE:
                time.sleep(0.05)

    def _create_next(self, number: int, body: bytes) -> None:
        name, key = f"job-{number}", f"objects/{number % 50} ü//{number}"
        self._retry(lambda: self._create(name))
        self.accepted.append(name)
        self._retry(lambda: self._client("s3").put_object(Bucket="naiad", Key=key, Body=body))
        self.objects[key] = body

    def _create(self, name: str) -> None:
        try:
            self._client("sagemaker").create_training_job(**training_request(name, "source.tar.gz", cores=1))
        except ClientError as error:  # the answer to an earlier call was lost
            if error.response["Error"]["Code"] != "ResourceInUse":
                raise

    def _unfinished(self) -> int:
        counts: list[int] = []
        sagemaker = self._client("sagemaker")
        self._retry(
            lambda: counts.append(len(sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]))
        )
        return counts[-1]

    def _retry(self, call: Any) -> None:
        """Repeats a call until there is an answer."""
        while True:
            try:
                call()
            except (HTTPClientError, NoConnection):
                self.retries += 1
                time.sleep(0.05)
            else:
                return

    def _client(self, service: str) -> Any:
        return self.server.client(service, config=CLIENT_CONFIG)


@dataclass
class Killer:
    server: LiveServer
    random_state: random.Random
    kills: Counter[str] = field(default_factory=Counter)

    def kill_one(self) -> None:
        agents = self._agents()
        if agents and self.random_state.random() < 0.5:
            agent = self.random_state.choice(agents)
            agent.signal(signal.SIGKILL)
            self.kills["agents"] += 1
        else:
            self._kill_server()
            self.kills["servers"] += 1

    def _agents(self) -> list[Process]:
        """Returns the agents of the running instances."""
        files = self.server.state.glob(f"jobs/*/*/*/*/{AGENT_FILE}")
        agents = [agent for file in files if (agent := read_process(file)) is not None]
        return [agent for agent in agents if agent.is_alive]

    def _kill_server(self) -> None:
        port = self.server.address.url.rpartition(":")[2]
        self.server.process.kill()
        self.server.process.communicate()
        warm = "--warm" if self.random_state.random() < WARM_FRACTION else "--no-warm"
        self.server.process = start_server(self.server.state, warm, port=port)


def find_errors(server: LiveServer, client: Client) -> list[str]:
    """Returns a text for each thing that was lost or done twice."""
    sagemaker = server.client("sagemaker")
    names = [job["TrainingJobName"] for page in sagemaker.get_paginator("list_training_jobs").paginate()
              for job in page["TrainingJobSummaries"]]  # fmt: skip
    errors = [f"{name} is listed {times} times" for name, times in Counter(names).items() if times > 1]
    errors += [f"{name} was accepted and is not there" for name in set(client.accepted) - set(names)]
    for name in client.accepted:
        errors += [
            f"{name}: {error_text}"
            for error_text in find_job_errors(server, sagemaker.describe_training_job(TrainingJobName=name))
        ]
    store = server.client("s3")
    for key, body in client.objects.items():
        if store.get_object(Bucket="naiad", Key=key)["Body"].read() != body:
            errors.append(f"the object {key!r} is not what was put")
    return errors


def find_job_errors(server: LiveServer, job: dict[str, Any]) -> list[str]:
    name, errors = job["TrainingJobName"], []
    final_statuses = [step["Status"] for step in job["SecondaryStatusTransitions"] if step["Status"] in FINAL_STATUSES]
    if len(final_statuses) != 1:
        errors.append(f"ended {len(final_statuses)} times: {final_statuses}")
    folders = sorted(server.state.glob(f"jobs/training-job/{name}/*/algo-1"), key=lambda path: int(path.parent.name))
    completed = [folder for folder in folders if _json(folder / "status.json").get("phase") == "Completed"]
    if completed and completed != folders[-1:]:
        errors.append(f"completed in {len(completed)} attempts of {len(folders)}")
    times = [log_times(folder / "log") for folder in folders]
    if any(after[0] < before[1] for before, after in itertools.pairwise(times) if before and after):
        errors.append("two attempts ran at the same time")
    if job["TrainingJobStatus"] == "Completed":
        return errors + find_completed_job_errors(server, name)
    if len(folders) <= MAX_LOST_ATTEMPTS:
        errors.append(f"{job['TrainingJobStatus']} after {len(folders)} attempts: {job.get('FailureReason')}")
    return errors


def find_completed_job_errors(server: LiveServer, name: str) -> list[str]:
    by_token: dict[str, list[int]] = {}
    for line in server.log_lines(name):
        _, number, token = line.split()
        by_token.setdefault(token, []).append(int(number))
    errors = [f"lines {numbers}" for numbers in by_token.values() if numbers != list(range(len(numbers)))]
    *_, last = by_token
    if len(by_token[last]) != LINES:
        errors.append(f"the log has {len(by_token[last])} of {LINES} lines of the attempt that completed")
    body = server.client("s3").get_object(Bucket="naiad", Key=f"out/{name}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        file = tar.extractfile("token")
        if file is None or file.read().decode() != last:
            errors.append("the model is not that of the attempt that completed")
    return errors


def log_times(log: Path) -> tuple[int, int] | None:
    """Returns the times of the first and the last line in ms; None for an empty log."""
    stamps = [int(line.split()[0]) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    return (stamps[0], stamps[-1]) if stamps else None


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def run_kills(kill_count: int, *, seed: int) -> tuple[Killer, Client, list[str]]:
    with serve() as server:
        server.put_source("source.tar.gz", SCRIPT)
        client, killer = Client(server), Killer(server, random.Random(seed))
        with ThreadPoolExecutor(1) as threads:
            client_run = threads.submit(client.run)
            try:
                while killer.kills.total() < kill_count and not client_run.done():
                    time.sleep(killer.random_state.uniform(*PAUSE_S))
                    killer.kill_one()
                    if killer.kills.total() % 20 == 0:
                        print(
                            f"{dict(killer.kills)}, {len(client.accepted)} jobs, {client.retries} tried again",
                            flush=True,
                        )
            finally:
                client.is_over.set()
            client_run.result()
        for name in client.accepted:
            server.wait_for_end(name)
        return killer, client, find_errors(server, client)


def main() -> None:
    kill_count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    killer, client, errors = run_kills(kill_count, seed=0)
    for error_text in errors:
        print(error_text)
    note = (
        f"{killer.kills['servers']} of the server, {killer.kills['agents']} of agents; "
        f"{client.retries} requests without an answer were tried again; {len(client.objects)} objects"
    )
    claim = f"jobs, log lines and objects lost or done twice under {kill_count} random kills -9, of {len(client.accepted)} jobs"
    print(log_row(claim, [float(len(errors))], unit="faults", goal="0", script="service_kills.py", note=note))


if __name__ == "__main__":
    main()
