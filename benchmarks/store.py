"""Measures the store with 100,000 jobs: describe, list, add; on SQLite, and on PostgreSQL where it is installed.

python benchmarks/store.py [jobs]
"""

import datetime as dt
import itertools
import random
import runpy
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from log import log_row
from sqlalchemy import insert, text
from sqlalchemy.engine import make_url

from naiad.service.domain.job import Job, JobKind, ResourceRequest, Transition
from naiad.service.domain.status import Phase, Status
from naiad.service.store.engines import Engines, postgres_engines, sqlite_engines
from naiad.service.store.job_rows import job_to_row
from naiad.service.store.migrations import upgrade
from naiad.service.store.port import JobQuery
from naiad.service.store.schema import jobs, tags
from naiad.service.store.sql import SqlStore

POSTGRES = runpy.run_path(str(Path(__file__).parents[1] / "tests" / "conftest.py"))
KIND = JobKind.TRAINING
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
GOAL_MS = 20
ROUNDS = 200
ADD_FOR_S = 5.0
THREADS = 8
BATCH = 5000
PHASES = (Phase.COMPLETED,) * 90 + (Phase.FAILED,) * 9 + (Phase.STOPPED,)
REQUEST = {
    "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
    "HyperParameters": {f"parameter-{number}": "value" * 4 for number in range(20)},
    "InputDataConfig": [{"ChannelName": name, "S3Uri": "s3://data/fashion/" + name * 10} for name in ("train", "test")],
    "Environment": {f"NAME_{number}": "value" * 4 for number in range(20)},
}
"""About 2 KB as JSON."""
RESOURCES = ResourceRequest(1, 1, 1 << 30)


def finished_job(number: int, random_state: random.Random) -> Job:
    """Returns a job that has ended; every twenty-thousandth is still running."""
    created = START + dt.timedelta(seconds=number)
    phase = Phase.TRAINING if number % 20_000 == 0 else random_state.choice(PHASES)
    ended = created + dt.timedelta(seconds=random_state.randrange(100_000))
    history = tuple(
        Transition(earlier, created, ended, "")
        for earlier in (Phase.STARTING, Phase.DOWNLOADING, Phase.TRAINING, phase)
    )
    return Job(
        KIND,
        name_of(number),
        "us-east-1",
        REQUEST,
        RESOURCES,
        created,
        ended,
        phase,
        1,
        created,
        ended,
        transitions=history,
    )


def name_of(number: int) -> str:
    return f"team-{number % 50}-fashion-{number:06d}"


def fill(engines: Engines, count: int) -> None:
    """Adds jobs in large transactions. All have the tag team with one of two values, every twenty-thousandth the tag paper."""
    random_state = random.Random(0)
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        added = {number: finished_job(number, random_state) for number in numbers}
        tag_rows = [{"arn": job.arn, "key": "team", "value": str(number % 2)} for number, job in added.items()]
        tag_rows += [
            {"arn": job.arn, "key": "paper", "value": "yes"} for number, job in added.items() if number % 20_000 == 0
        ]
        with engines.writer.begin() as connection:
            connection.execute(insert(jobs), [job_to_row(job) for job in added.values()])
            connection.execute(insert(tags), tag_rows)
    if engines.reader.dialect.name == "postgresql":
        with engines.reader.connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))  # PostgreSQL does this itself within a minute


def list_queries() -> dict[str, JobQuery]:
    """Returns the queries of the service: newest first, a page of 100."""
    newest = {"sort_by": "created_at", "descending": True, "limit": 100}
    return {
        "list": JobQuery(KIND, **newest),
        "list, 10 a page": JobQuery(KIND, **newest | {"limit": 10}),
        "list completed": JobQuery(KIND, status=Status.COMPLETED, **newest),
        "list running (5 jobs)": JobQuery(KIND, status=Status.IN_PROGRESS, **newest),
        "list by a name part that half have": JobQuery(KIND, name_contains="fashion-0", **newest),
        "list by a name part that one has": JobQuery(KIND, name_contains="-000007", **newest),
        "list by a name part that none has": JobQuery(KIND, name_contains="nobody", **newest),
        "list by a tag that half have": JobQuery(KIND, tag=("team", "1"), **newest),
        "list by a tag that five have": JobQuery(KIND, tag=("paper", "yes"), **newest),
        "list by name, failed": JobQuery(KIND, status=Status.FAILED, sort_by="name"),
        "list by last change": JobQuery(KIND, sort_by="modified_at", descending=True),
    }


def durations_ms(work: Callable[[int], object]) -> list[float]:
    work(0)
    times_ms = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        work(number)
        times_ms.append((time.perf_counter() - started) * 1000)
    return sorted(times_ms)


def adds_per_s(store: SqlStore, threads: int) -> float:
    numbers = itertools.count()
    end = time.perf_counter() + ADD_FOR_S

    def add_until_the_end(thread: int) -> int:
        added = 0
        while time.perf_counter() < end:
            now = dt.datetime.now(dt.UTC)
            name = f"added-{time.time_ns()}-{thread}-{next(numbers)}"
            store.add(Job(KIND, name, "us-east-1", REQUEST, RESOURCES, now, now), {"team": "1"})
            added += 1
        return added

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(add_until_the_end, range(threads))) / ADD_FOR_S


def measure(label: str, engines: Engines, count: int) -> None:
    upgrade(engines.writer)
    fill(engines, count)
    store = SqlStore(engines)
    random_state = random.Random(1)
    label_with_jobs = f"{label}, {count:,} jobs"
    print_times(
        f"{label_with_jobs}: describe", durations_ms(lambda _: store.get(KIND, name_of(random_state.randrange(count))))
    )
    for name, query in list_queries().items():
        print_times(f"{label_with_jobs}: {name}", durations_ms(lambda _, query=query: store.find(query)))
    for threads in (1, THREADS):
        rates = [adds_per_s(store, threads) for _ in range(3)]
        claim = f"{label_with_jobs}: jobs added a second by {threads} thread{'s' * (threads > 1)}"
        print(log_row(claim, rates, unit="/s", script="benchmarks/store.py"), flush=True)
    store.close()


def print_times(claim: str, times_ms: list[float]) -> None:
    p99 = times_ms[int(len(times_ms) * 0.99)]
    goal = f"p99 < {GOAL_MS} ms"
    print(
        log_row(claim, times_ms, unit="ms", goal=goal, script="benchmarks/store.py", note=f"p99 {p99:.3g} ms"),
        flush=True,
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        measure(f"SQLite {sqlite3.sqlite_version}", sqlite_engines(Path(folder) / "naiad.db"), count)
    programs = POSTGRES["programs"]()
    if programs is None:
        return
    with (
        tempfile.TemporaryDirectory(prefix="naiad-pg-") as folder,
        POSTGRES["running"](programs, Path(folder), durable=True) as server,
    ):
        measure("PostgreSQL", postgres_engines(make_url(server.url)), count)


if __name__ == "__main__":
    main()
