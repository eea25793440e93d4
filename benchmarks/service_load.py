"""Measures the server itself: jobs accepted per second, 100 MiB through S3, memory when idle and after that, and the time of
describe and list over HTTP with many jobs in the store.

python benchmarks/service_load.py [jobs in the store]
"""

import datetime as dt
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from live_server import LiveServer, serve, start_server, training_request
from log import log_row
from sqlalchemy import insert

from naiad.service.domain.job import Job, JobKind, ResourceRequest, Transition
from naiad.service.domain.status import Phase
from naiad.service.store.engines import sqlite_engines
from naiad.service.store.job_rows import job_to_row
from naiad.service.store.migrations import upgrade
from naiad.service.store.open import FILE_NAME
from naiad.service.store.schema import jobs

CLIENTS = 4
ACCEPT_FOR_S = 5.0
SIZE = 100 * 2**20
ROUNDS = 7
STORED_JOBS = 100_000
BATCH = 5_000
CALLS = 300
SCRIPT = "service_load.py"
WAIT_SCRIPT = "import time\ntime.sleep(600)"


def accepted_per_s(server: LiveServer, number: int) -> float:
    """Returns the rate of boto3 clients in threads of this process. Another job has the cores, so that all these jobs wait."""
    deadline = time.monotonic() + ACCEPT_FOR_S

    def create(client: int) -> int:
        count, sagemaker = 0, server.client("sagemaker")
        while time.monotonic() < deadline:
            sagemaker.create_training_job(**training_request(f"r{number}-c{client}-{count}", "source.tar.gz"))
            count += 1
        return count

    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(create, range(CLIENTS))) / ACCEPT_FOR_S


def ended_job(number: int) -> Job:
    created = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=number)
    ended = created + dt.timedelta(minutes=5)
    phases = (Phase.STARTING, Phase.DOWNLOADING, Phase.TRAINING, Phase.COMPLETED)
    history = tuple(Transition(phase, created, ended, "") for phase in phases)
    name, resources = f"fashion-{number:06d}", ResourceRequest(1, 1, 1 << 30)
    job_request = training_request(name, "source.tar.gz", **{f"parameter-{index}": "value" for index in range(20)})
    return Job(
        *(JobKind.TRAINING, name, "us-east-1", job_request, resources, created, ended, phases[-1], 1, created, ended),
        transitions=history,
        access_key=f"NJOB{number}",
    )


def fill(state: Path, count: int) -> None:
    """Fills the store of a server that is not started yet, in large transactions."""
    state.mkdir(mode=0o700)
    engines = sqlite_engines(state / FILE_NAME)
    upgrade(engines.writer)
    for first in range(0, count, BATCH):
        with engines.writer.begin() as connection:
            numbers = range(first, min(first + BATCH, count))
            connection.execute(insert(jobs), [job_to_row(ended_job(number)) for number in numbers])
    engines.dispose()


def call_times_ms(count: int) -> dict[str, list[float]]:
    """Returns the times of calls by one boto3 client, its own time included, on a persistent connection."""
    with tempfile.TemporaryDirectory(prefix="naiad-bench-", ignore_cleanup_errors=True) as folder:
        state = Path(folder) / "state"
        fill(state, count)
        server = LiveServer(state, start_server(state, "--no-warm"))
        try:
            client = server.client("sagemaker")
            newest = {"SortBy": "CreationTime", "SortOrder": "Descending"}
            calls: dict[str, Callable[[int], object]] = {
                "describe": lambda number: client.describe_training_job(
                    TrainingJobName=f"fashion-{number * 997 % count:06d}"
                ),
                "list, a page of 10": lambda _: client.list_training_jobs(MaxResults=10, **newest),
                "list, a page of 100": lambda _: client.list_training_jobs(MaxResults=100, **newest),
            }
            for call in calls.values():
                call(0)
            return {
                name: [seconds_of(partial(call, number)) * 1000 for number in range(CALLS)]
                for name, call in calls.items()
            }
        finally:
            server.process.terminate()
            server.process.communicate(timeout=60)


def print_call_times(count: int) -> None:
    for name, values in call_times_ms(count).items():
        p99 = statistics.quantiles(values, n=100)[98]
        claim = f"{name}, over HTTP, with {count:,} jobs in the store"
        note = f"p99 {p99:.3g} ms; one boto3 client on the same cores, its own time included"
        print(log_row(claim, values, unit="ms", goal="p99 < 20 ms", script=SCRIPT, note=note))


def main() -> None:
    put_s, get_s, copy_s, accepted_rates = [], [], [], []
    with serve("--no-warm") as server, tempfile.TemporaryDirectory() as folder:
        time.sleep(1)
        idle_mb = [server.memory_mb()]
        server.put_source("source.tar.gz", WAIT_SCRIPT)
        store, file = server.client("s3"), Path(folder) / "data"
        file.write_bytes(bytes(range(256)) * (SIZE // 256))
        for _ in range(ROUNDS):
            put_s.append(seconds_of(lambda: store.upload_file(str(file), "naiad", "data")))
            get_s.append(seconds_of(lambda: store.download_file("naiad", "data", f"{folder}/back")))
            copy_s.append(seconds_of(lambda: copy(file, Path(folder) / "copy")))
        assert (Path(folder) / "back").read_bytes() == file.read_bytes()
        server.client("sagemaker").create_training_job(**training_request("holds-the-cores", "source.tar.gz"))
        accepted_rates += [accepted_per_s(server, number) for number in range(3)]
        loaded_mb = [server.memory_mb()]
        server.client("sagemaker").stop_training_job(TrainingJobName="holds-the-cores")
    note = "the warm interpreter, a process of its own of 0.5 GB, is not there"
    print(
        log_row(
            "memory of the server with --no-warm, idle", idle_mb, unit="MB", goal="< 150 MB", script=SCRIPT, note=note
        )
    )
    waiting = sum(accepted_rates) * ACCEPT_FOR_S
    note = f"after {ROUNDS} × 100 MiB put and got and {waiting:,.0f} waiting jobs"
    print(log_row("memory of the server with --no-warm, after work", loaded_mb, unit="MB", script=SCRIPT, note=note))
    clients = f"{CLIENTS} boto3 clients in one process on the same cores"
    print(
        log_row(
            "jobs accepted per second, on disk when answered", accepted_rates, unit="/s", script=SCRIPT, note=clients
        )
    )
    for claim, values in (
        ("multipart put", put_s),
        ("get", get_s),
        ("for comparison: copied to disk with fsync", copy_s),
    ):
        print(log_row(f"100 MiB, {claim}", values, unit="s", script=SCRIPT))
    print_call_times(int(sys.argv[1]) if len(sys.argv) > 1 else STORED_JOBS)


def copy(source: Path, target: Path) -> None:
    with source.open("rb") as file, target.open("wb") as output:
        output.write(file.read())
        output.flush()
        os.fsync(output.fileno())


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
