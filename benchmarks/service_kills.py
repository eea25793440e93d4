"""Kills the server and agents at random over a queue of short jobs, and then asks whether anything was lost or done twice.

python benchmarks/service_kills.py [kills]

Half of the kills are for the server, which is started again on its folder and port, the others for the agent of a job that runs.
Meanwhile a client creates jobs and stores objects, and tries again what was not answered. In the end
- every job that was accepted has ended, and exactly once: one final transition, and one attempt whose program came to its end;
- no two attempts of a job ran at the same time;
- the last attempt's log has every line that its program wrote, in order, and the model is that attempt's;
- every object that was acknowledged is there, and whole.
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
from live import ENDS, Live, begun, live, request
from log import row

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
"""Jobs that the client keeps waiting or running."""
PAUSE_S = (0.05, 0.9)
"""Between two kills."""
LOST_AT_MOST = 5
"""Attempts that may be lost before the server gives a job up, as docs/concepts/service.md says."""
WARM_SHARE = 0.5
"""Of the servers, how many keep a warm interpreter."""
PATIENT = Config(retries={"mode": "standard", "max_attempts": 1}, connect_timeout=5, read_timeout=30)


@dataclass
class Client:
    """Creates jobs and objects until it is told to stop, and keeps what was acknowledged."""

    live: Live
    over: threading.Event = field(default_factory=threading.Event)
    accepted: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    refused: int = 0

    def run(self) -> None:
        draw = random.Random(0)
        number = 0
        while not self.over.is_set():
            self._one_more(number, draw.randbytes(draw.randrange(200_000)))
            number += 1
            while not self.over.is_set() and self._unfinished() >= QUEUE:
                time.sleep(0.05)

    def _one_more(self, number: int, body: bytes) -> None:
        name, key = f"job-{number}", f"objects/{number % 50} ü//{number}"
        self._insist(lambda: self._create(name))
        self.accepted.append(name)
        self._insist(lambda: self._client("s3").put_object(Bucket="naiad", Key=key, Body=body))
        self.objects[key] = body

    def _create(self, name: str) -> None:
        try:
            self._client("sagemaker").create_training_job(**request(name, "source.tar.gz", cores=1))
        except ClientError as error:  # the answer to an earlier try was lost
            if error.response["Error"]["Code"] != "ResourceInUse":
                raise

    def _unfinished(self) -> int:
        found: list[int] = []
        sagemaker = self._client("sagemaker")
        self._insist(
            lambda: found.append(len(sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]))
        )
        return found[-1]

    def _insist(self, do: Any) -> None:
        """Until there is an answer."""
        while True:
            try:
                do()
            except (HTTPClientError, NoConnection):
                self.refused += 1
                time.sleep(0.05)
            else:
                return

    def _client(self, service: str) -> Any:
        return self.live.client(service, config=PATIENT)


@dataclass
class Killer:
    live: Live
    draw: random.Random
    done: Counter[str] = field(default_factory=Counter)

    def kill_one(self) -> None:
        agents = self._agents()
        if agents and self.draw.random() < 0.5:
            agent = self.draw.choice(agents)
            agent.signal(signal.SIGKILL)
            self.done["agents"] += 1
        else:
            self._kill_server()
            self.done["servers"] += 1

    def _agents(self) -> list[Process]:
        """Of the instances at work."""
        found = [Process(**_json(path)) for path in self.live.state.glob("jobs/*/*/*/*/agent.json")]
        return [agent for agent in found if agent.is_alive]

    def _kill_server(self) -> None:
        port = self.live.address.url.rpartition(":")[2]
        self.live.process.kill()
        self.live.process.communicate()
        warm = "--warm" if self.draw.random() < WARM_SHARE else "--no-warm"
        self.live.process = begun(self.live.state, warm, port=port)


def faults_of(live: Live, client: Client) -> list[str]:
    """What was lost or done twice."""
    sagemaker = live.client("sagemaker")
    listed = [job["TrainingJobName"] for page in sagemaker.get_paginator("list_training_jobs").paginate()
              for job in page["TrainingJobSummaries"]]  # fmt: skip
    found = [f"{name} is listed {times} times" for name, times in Counter(listed).items() if times > 1]
    found += [f"{name} was accepted and is not there" for name in set(client.accepted) - set(listed)]
    for name in client.accepted:
        found += [
            f"{name}: {fault}" for fault in faults_of_job(live, sagemaker.describe_training_job(TrainingJobName=name))
        ]
    store = live.client("s3")
    for key, body in client.objects.items():
        if store.get_object(Bucket="naiad", Key=key)["Body"].read() != body:
            found.append(f"the object {key!r} is not what was put")
    return found


def faults_of_job(live: Live, job: dict[str, Any]) -> list[str]:
    name, found = job["TrainingJobName"], []
    finals = [step["Status"] for step in job["SecondaryStatusTransitions"] if step["Status"] in ENDS]
    if len(finals) != 1:
        found.append(f"ended {len(finals)} times: {finals}")
    folders = sorted(live.state.glob(f"jobs/training-job/{name}/*/algo-1"), key=lambda path: int(path.parent.name))
    done = [folder for folder in folders if _json(folder / "status.json").get("phase") == "Completed"]
    if done and done != folders[-1:]:
        found.append(f"completed in {len(done)} attempts of {len(folders)}")
    times = [log_times(folder / "log") for folder in folders]
    if any(after[0] < before[1] for before, after in itertools.pairwise(times) if before and after):
        found.append("two attempts ran at the same time")
    if job["TrainingJobStatus"] == "Completed":
        return found + faults_of_completed(live, name)
    if len(folders) <= LOST_AT_MOST:
        found.append(f"{job['TrainingJobStatus']} after {len(folders)} attempts: {job.get('FailureReason')}")
    return found


def faults_of_completed(live: Live, name: str) -> list[str]:
    by_token: dict[str, list[int]] = {}
    for line in live.lines(name):
        _, number, token = line.split()
        by_token.setdefault(token, []).append(int(number))
    found = [f"lines {numbers}" for numbers in by_token.values() if numbers != list(range(len(numbers)))]
    *_, last = by_token
    if len(by_token[last]) != LINES:
        found.append(f"the log has {len(by_token[last])} of {LINES} lines of the attempt that completed")
    body = live.client("s3").get_object(Bucket="naiad", Key=f"out/{name}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        file = tar.extractfile("token")
        if file is None or file.read().decode() != last:
            found.append("the model is not that of the attempt that completed")
    return found


def log_times(log: Path) -> tuple[int, int] | None:
    """Of the first and the last line, in ms; None for a log without any."""
    stamps = [int(line.split()[0]) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    return (stamps[0], stamps[-1]) if stamps else None


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def prove(kills: int, *, seed: int) -> tuple[Killer, Client, list[str]]:
    with live() as server:
        server.put_source("source.tar.gz", SCRIPT)
        client, killer = Client(server), Killer(server, random.Random(seed))
        with ThreadPoolExecutor(1) as threads:
            working = threads.submit(client.run)
            try:
                while killer.done.total() < kills and not working.done():
                    time.sleep(killer.draw.uniform(*PAUSE_S))
                    killer.kill_one()
                    if killer.done.total() % 20 == 0:
                        print(
                            f"{dict(killer.done)}, {len(client.accepted)} jobs, {client.refused} tried again",
                            flush=True,
                        )
            finally:
                client.over.set()
            working.result()
        for name in client.accepted:
            server.ended(name)
        return killer, client, faults_of(server, client)


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    killer, client, faults = prove(kills, seed=0)
    for fault in faults:
        print(fault)
    note = (
        f"{killer.done['servers']} of the server, {killer.done['agents']} of agents; {client.refused} requests without an answer "
        f"were tried again; {len(client.objects)} objects"
    )
    claim = (
        f"jobs, log lines and objects lost or done twice under {kills} random kills -9, of {len(client.accepted)} jobs"
    )
    print(row(claim, [float(len(faults))], unit="faults", goal="0", script="service_kills.py", note=note))


if __name__ == "__main__":
    main()
