"""The contract of store/port.py on each database: threads that use one store at once."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from naiad.service.domain.errors import AlreadyExists, Conflict
from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.domain.status import Phase, Status
from naiad.service.store.port import JobQuery

KIND = JobKind.TRAINING
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def job(name: str, *, seconds: float = 0, kind: JobKind = KIND, phase: Phase = Phase.PENDING, **more) -> Job:
    more = {
        "region": "us-east-1",
        "request": {"TrainingJobName": name},
        "resources": ResourceRequest(1, 2, 3 << 30),
    } | more
    return Job(
        kind, name, created_at=at(seconds), modified_at=more.pop("modified_at", at(seconds)), phase=phase, **more
    )


def test_no_update_is_lost_among_threads(store, in_threads):
    store.add(job("shared"), {})

    def count_up(number):
        done = 0
        while done < 5:
            before = store.get(KIND, "shared")
            try:
                store.update(replace(before, attempt=before.attempt + 1), before=before)
                done += 1
            except Conflict:
                pass

    in_threads(8, count_up)
    assert store.get(KIND, "shared").attempt == 40


def test_threads_add_and_update_at_the_same_time(store, all_names, in_threads):
    def add_and_finish(number):
        for index in range(6):
            added = job(f"{number}-{index}", seconds=index)
            store.add(added, {"by": str(number)})
            store.update(added.to(Phase.FAILED, at=at(9)), before=added)

    in_threads(8, add_and_finish)
    assert len(all_names(store, JobQuery(KIND, status=Status.FAILED, limit=7))) == 48
    assert len(store.find(JobQuery(KIND, tag=("by", "3"))).jobs) == 6
    assert store.unfinished_jobs() == ()


def test_one_of_many_threads_that_add_a_name_succeeds(store, in_threads):
    def add(number):
        try:
            store.add(job("same", seconds=number), {"by": str(number)})
        except AlreadyExists:
            return None
        return number

    winners = [number for number in in_threads(8, add) if number is not None]
    assert [store.get(KIND, "same").created_at] == [at(number) for number in winners]
    assert store.tags(job("same").arn) == {"by": str(winners[0])}


def test_readers_see_whole_changes_only(store):
    added = job("a")
    store.add(added, {})
    done = threading.Event()

    def write():
        before = added
        for number in range(20):
            after = replace(before, attempt=number, failure_reason=str(number), modified_at=at(number))
            store.update(after, before=before)
            before = after
        done.set()

    def read(_):
        while not done.is_set():
            stored = store.get(KIND, "a")
            assert stored.failure_reason in (None, str(stored.attempt))

    with ThreadPoolExecutor(4) as pool:
        writing = pool.submit(write)
        list(pool.map(read, range(3)))
        writing.result()
