"""The server's own cost: jobs accepted per second, 100 MiB through S3, its memory, idle and after that, and what describe and
list take over HTTP with many jobs in the store.

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

from live import Live, begun, live, request
from log import row
from sqlalchemy import insert

from naiad.service.domain.job import Job, JobKind, Need, Transition
from naiad.service.domain.status import Phase
from naiad.service.store.engines import sqlite_engines
from naiad.service.store.migrations import upgrade
from naiad.service.store.open import FILE_NAME
from naiad.service.store.records import row_of
from naiad.service.store.schema import jobs

CLIENTS = 4
ACCEPT_FOR_S = 5.0
SIZE = 100 * 2**20
ROUNDS = 7
IN_STORE = 100_000
BATCH = 5_000
CALLS = 300
SCRIPT = "service_load.py"
WAITS = "import time\ntime.sleep(600)"


def accepted_per_s(server: Live, number: int) -> float:
    """By clients with boto3 in threads of this process, while another job holds the cores, so that all of them wait."""
    until = time.monotonic() + ACCEPT_FOR_S

    def create(client: int) -> int:
        count, sagemaker = 0, server.client("sagemaker")
        while time.monotonic() < until:
            sagemaker.create_training_job(**request(f"r{number}-c{client}-{count}", "source.tar.gz"))
            count += 1
        return count

    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(create, range(CLIENTS))) / ACCEPT_FOR_S


def ended_job(number: int) -> Job:
    created = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=number)
    ended = created + dt.timedelta(minutes=5)
    phases = (Phase.STARTING, Phase.DOWNLOADING, Phase.TRAINING, Phase.COMPLETED)
    past = tuple(Transition(phase, created, ended, "") for phase in phases)
    name, need = f"fashion-{number:06d}", Need(1, 1, 1 << 30)
    asked = request(name, "source.tar.gz", **{f"parameter-{one}": "value" for one in range(20)})
    return Job(
        *(JobKind.TRAINING, name, "us-east-1", asked, need, created, ended, phases[-1], 1, created, ended),
        transitions=past,
        access_key=f"NJOB{number}",
    )


def fill(state: Path, count: int) -> None:
    """The store of a server that has not begun, in large transactions."""
    state.mkdir(mode=0o700)
    engines = sqlite_engines(state / FILE_NAME)
    upgrade(engines.writer)
    for first in range(0, count, BATCH):
        with engines.writer.begin() as connection:
            numbers = range(first, min(first + BATCH, count))
            connection.execute(insert(jobs), [row_of(ended_job(number)) for number in numbers])
    engines.dispose()


def asked_ms(count: int) -> dict[str, list[float]]:
    """By one boto3 client, its own time included, each call on a connection that is kept."""
    with tempfile.TemporaryDirectory(prefix="naiad-bench-", ignore_cleanup_errors=True) as folder:
        state = Path(folder) / "state"
        fill(state, count)
        server = Live(state, begun(state, "--no-warm"))
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
                name: [timed(partial(call, number)) * 1000 for number in range(CALLS)] for name, call in calls.items()
            }
        finally:
            server.process.terminate()
            server.process.communicate(timeout=60)


def tell_asked(count: int) -> None:
    for name, values in asked_ms(count).items():
        p99 = statistics.quantiles(values, n=100)[98]
        claim = f"{name}, over HTTP, with {count:,} jobs in the store"
        note = f"p99 {p99:.3g} ms; one boto3 client on the same cores, its own time included"
        print(row(claim, values, unit="ms", goal="p99 < 20 ms", script=SCRIPT, note=note))


def main() -> None:
    sent, got, copied, accepted = [], [], [], []
    with live("--no-warm") as server, tempfile.TemporaryDirectory() as folder:
        time.sleep(1)
        idle = [server.memory_mb()]
        server.put_source("source.tar.gz", WAITS)
        store, file = server.client("s3"), Path(folder) / "data"
        file.write_bytes(bytes(range(256)) * (SIZE // 256))
        for _ in range(ROUNDS):
            sent.append(timed(lambda: store.upload_file(str(file), "naiad", "data")))
            got.append(timed(lambda: store.download_file("naiad", "data", f"{folder}/back")))
            copied.append(timed(lambda: copy(file, Path(folder) / "copy")))
        assert (Path(folder) / "back").read_bytes() == file.read_bytes()
        server.client("sagemaker").create_training_job(**request("holds-the-cores", "source.tar.gz"))
        accepted += [accepted_per_s(server, number) for number in range(3)]
        after = [server.memory_mb()]
        server.client("sagemaker").stop_training_job(TrainingJobName="holds-the-cores")
    apart = "the warm interpreter, a process of its own of 0.5 GB, is not there"
    print(row("memory of the server with --no-warm, idle", idle, unit="MB", goal="< 150 MB", script=SCRIPT, note=apart))
    waiting = sum(accepted) * ACCEPT_FOR_S
    note = f"after {ROUNDS} × 100 MiB put and got and {waiting:,.0f} waiting jobs"
    print(row("memory of the server with --no-warm, after work", after, unit="MB", script=SCRIPT, note=note))
    clients = f"{CLIENTS} boto3 clients in one process on the same cores"
    print(row("jobs accepted per second, on disk when answered", accepted, unit="/s", script=SCRIPT, note=clients))
    for claim, values in (("multipart put", sent), ("get", got), ("for comparison: copied to disk with fsync", copied)):
        print(row(f"100 MiB, {claim}", values, unit="s", script=SCRIPT))
    tell_asked(int(sys.argv[1]) if len(sys.argv) > 1 else IN_STORE)


def copy(source: Path, target: Path) -> None:
    with source.open("rb") as file, target.open("wb") as to:
        to.write(file.read())
        to.flush()
        os.fsync(to.fileno())


def timed(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
