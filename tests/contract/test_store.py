"""The contract of store/port.py, on each database."""

import datetime as dt
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid, NotFound, ServiceError
from naiad.service.domain.job import Job, JobKind, Need, Transition
from naiad.service.domain.status import RUNNING, Phase, Status
from naiad.service.store.open import open_store
from naiad.service.store.port import JobQuery

KIND = JobKind.TRAINING
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def job(name: str, *, seconds: float = 0, kind: JobKind = KIND, phase: Phase = Phase.PENDING, **more) -> Job:
    more = {"region": "us-east-1", "request": {"TrainingJobName": name}, "need": Need(1, 2, 3 << 30)} | more
    return Job(
        kind, name, created_at=at(seconds), modified_at=more.pop("modified_at", at(seconds)), phase=phase, **more
    )


def names(page):
    return [found.name for found in page.jobs]


def all_names(store, query):
    found, token = [], None
    while True:
        page = store.find(replace(query, after=token))
        found += names(page)
        if (token := page.next_token) is None:
            return found


# ---- one job


def test_a_deleted_job_is_forgotten_with_its_tags(store):
    ended = job("a", phase=Phase.COMPLETED)
    store.add(ended, {"team": "vision"})
    store.add(job("b", phase=Phase.COMPLETED), {"team": "vision"})
    store.delete(ended)
    with pytest.raises(NotFound):
        store.get(KIND, "a")
    assert store.tags(ended.arn) == {}
    assert all_names(store, JobQuery(KIND, tag=("team", "vision"))) == ["b"]
    store.add(job("a", seconds=9), {})
    with pytest.raises(NotFound):
        store.delete(ended)
    assert store.get(KIND, "a") == job("a", seconds=9)


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.TRAINING, Phase.STOPPING])
def test_a_job_before_its_end_is_not_deleted(store, phase):
    store.add(job("a", phase=phase), {"team": "vision"})
    with pytest.raises(Conflict):
        store.delete(job("a", phase=Phase.COMPLETED))
    assert store.get(KIND, "a").phase is phase
    assert store.tags(job("a").arn) == {"team": "vision"}


def test_what_was_added_comes_back_equal(store):
    added = job("a", seconds=0.000001, access_key="AKIA1", secret_key="s")
    store.add(added, {})
    assert store.get(KIND, "a") == added


def test_a_store_opened_again_has_what_was_acknowledged(store, address):
    store.add(job("a"), {"team": "x"})
    store.close()
    again = open_store(address)
    assert again.get(KIND, "a") == job("a")
    assert again.tags(job("a").arn) == {"team": "x"}
    again.close()


def test_names_are_of_their_kind(store):
    store.add(job("a"), {})
    store.add(job("a", kind=JobKind.PROCESSING, seconds=5), {})
    assert store.get(JobKind.PROCESSING, "a").created_at == at(5)
    with pytest.raises(AlreadyExists, match="training-job a exists already"):
        store.add(job("a", seconds=9), {"new": "tag"})
    assert store.get(KIND, "a") == job("a")
    assert store.tags(job("a").arn) == {}


def test_names_differ_by_case(store):
    store.add(job("a"), {})
    store.add(job("A"), {})
    assert store.get(KIND, "A").name == "A"


def test_a_job_that_is_not_there(store):
    with pytest.raises(NotFound, match="no training-job of the name nobody"):
        store.get(KIND, "nobody")
    with pytest.raises(NotFound):
        store.update(job("nobody"), before=job("nobody"))


def test_an_update_takes_the_place_of_what_was_read(store):
    before = job("a")
    store.add(before, {})
    after = before.to(Phase.STARTING, at=at(1), message="placed").to(Phase.TRAINING, at=at(2))
    store.update(after, before=before)
    assert store.get(KIND, "a") == after


@pytest.mark.parametrize(
    "stale",
    [job("a", modified_at=at(0.000001)), job("a", attempt=1), job("a", phase=Phase.STARTING)],
    ids=["time", "attempt", "phase"],
)
def test_an_update_of_a_stale_record_is_refused_and_changes_nothing(store, stale):
    store.add(job("a"), {})
    with pytest.raises(Conflict, match="changed since it was read"):
        store.update(replace(stale, failure_reason="late"), before=stale)
    assert store.get(KIND, "a") == job("a")


# ---- exactness

_TIMES = st.datetimes(min_value=dt.datetime(1, 1, 2), max_value=dt.datetime(9999, 12, 30), timezones=st.just(dt.UTC))  # noqa: DTZ001  the zone is given beside
_TEXT = st.text(max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_MAYBE_TIME = st.none() | _TIMES
_JOBS = st.builds(
    Job,
    kind=st.sampled_from(JobKind),
    name=st.just("a"),
    region=st.sampled_from(["us-east-1", "eu-west-3"]),
    request=st.dictionaries(_TEXT, _JSON, max_size=4),
    need=st.builds(Need, st.integers(1, 99), st.integers(1, 999), st.integers(1, 1 << 50), st.integers(0, 16)),
    created_at=_TIMES,
    modified_at=_TIMES,
    phase=st.sampled_from(Phase),
    attempt=st.integers(0, 1000),
    started_at=_MAYBE_TIME,
    ended_at=_MAYBE_TIME,
    failure_reason=st.none() | _TEXT,
    exit_message=st.none() | _TEXT,
    transitions=st.lists(st.builds(Transition, st.sampled_from(Phase), _TIMES, _MAYBE_TIME, _TEXT), max_size=3).map(
        tuple
    ),
    access_key=st.sampled_from(["", "AKIA1"]),
    secret_key=st.sampled_from(["", "s/+="]),
)


_NUMBERS = itertools.count()


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=_JOBS)
def test_any_job_comes_back_equal(store, drawn):
    added = replace(drawn, name=f"drawn-{next(_NUMBERS)}")
    store.add(added, {})
    found = store.get(added.kind, added.name)
    assert found == added
    assert found.created_at.tzinfo is dt.UTC
    assert (type(found.kind), type(found.phase), type(found.transitions)) == (JobKind, Phase, tuple)


ODD = ["\0", "ünïcödé ⚓ \U0001f9dc", "\ud800 alone", "'; DROP TABLE naiad_jobs; --", "%_\\", "\u2028\r\n\t"]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_odd_text_of_a_program_comes_back_equal(store, odd):
    added = job("a", request={odd: [odd, {"x": odd}]}, failure_reason=odd, exit_message=odd, phase=Phase.FAILED)
    added = replace(added, transitions=(Transition(Phase.FAILED, at(0), at(1), odd),))
    store.add(added, {})
    assert store.get(KIND, "a") == added


@pytest.mark.parametrize("name", ["\0", "\ud800", "ü", "'", "%", "a" * 5000])
def test_odd_names_are_not_found(store, name):
    store.add(job("a"), {})
    with pytest.raises((NotFound, Invalid)):
        store.get(KIND, name)


@pytest.mark.parametrize("request_", [{"x": float("nan")}, {"x": float("inf")}, {"x": b"bytes"}, {"x": START}])
def test_a_request_that_is_no_json_is_refused(store, request_):
    with pytest.raises(Invalid, match="request of training-job a"):
        store.add(job("a", request=request_), {})
    assert names(store.find(JobQuery(KIND))) == []


def test_times_of_other_zones_are_the_same_instant(store):
    local = START.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30)))
    store.add(replace(job("a"), created_at=local), {})
    assert store.get(KIND, "a").created_at == START


# ---- find

LISTED = [
    job("delta-1", seconds=0, phase=Phase.COMPLETED, modified_at=at(90)),
    job("alpha-1", seconds=1, phase=Phase.FAILED, modified_at=at(80), failure_reason='Error: "ü no"'),
    job("Beta-10", seconds=2, phase=Phase.TRAINING, modified_at=at(70), attempt=1),
    job("beta-2", seconds=2, phase=Phase.STOPPED, modified_at=at(70), attempt=2, failure_reason="Error: \n"),
    job("gamma_%", seconds=3, phase=Phase.PENDING, modified_at=at(60)),
    job("alpha-2", seconds=4, phase=Phase.STOPPING, modified_at=at(50)),
    job("omega", seconds=5, phase=Phase.MAX_RUNTIME_EXCEEDED, modified_at=at(40)),
]


@pytest.fixture
def listed(store):
    for number, one in enumerate(LISTED):
        even = {} if number % 2 else {"even": str(number)}
        store.add(one, {"parity": str(number % 2), "n": str(number), **even})
    store.add(job("alpha-1", kind=JobKind.PROCESSING, seconds=1), {"parity": "1"})
    return store


SORTS = {
    "name": lambda one: one.name,
    "created_at": lambda one: (one.created_at, one.name),
    "modified_at": lambda one: (one.modified_at, one.name),
    "status": lambda one: (one.status.value, one.created_at, one.name),
}
FILTERS = {
    "all": ({}, lambda one: True),
    "in progress": ({"status": Status.IN_PROGRESS}, lambda one: one.status is Status.IN_PROGRESS),
    "stopped": ({"status": Status.STOPPED}, lambda one: one.status is Status.STOPPED),
    "name": ({"name_contains": "alpha"}, lambda one: "alpha" in one.name),
    "name by case": ({"name_contains": "Beta"}, lambda one: "Beta" in one.name),
    "wildcards are letters": ({"name_contains": "_%"}, lambda one: "_%" in one.name),
    "quote": ({"name_contains": "'"}, lambda one: False),
    "created after": ({"created_after": at(2)}, lambda one: one.created_at >= at(2)),
    "created before": ({"created_before": at(2)}, lambda one: one.created_at <= at(2)),
    "created just before": ({"created_before": at(1.999999)}, lambda one: one.created_at < at(2)),
    "modified after": ({"modified_after": at(70)}, lambda one: one.modified_at >= at(70)),
    "modified between": (
        {"modified_after": at(50), "modified_before": at(70)},
        lambda one: at(50) <= one.modified_at <= at(70),
    ),
    "tag": ({"tag": ("parity", "1")}, lambda one: LISTED.index(one) % 2 == 1),
    "tag of any value": ({"tag": ("even", None)}, lambda one: LISTED.index(one) % 2 == 0),
    "tag of no key": ({"tag": ("odd", None)}, lambda one: False),
    "failed": ({"failure_contains": ""}, lambda one: one.failure_reason is not None),
    "failure": ({"failure_contains": "ü no"}, lambda one: "ü no" in (one.failure_reason or "")),
    "failure by case": ({"failure_contains": "ERROR"}, lambda one: False),
    "started": ({"has_started": True}, lambda one: one.attempt > 0),
    "not started": ({"has_started": False, "name_contains": "a"}, lambda one: one.attempt == 0 and "a" in one.name),
    "tag of no job": ({"tag": ("parity", "2")}, lambda one: False),
    "two at once": (
        {"tag": ("parity", "1"), "name_contains": "alpha", "created_after": at(2)},
        lambda one: one.name == "alpha-2",
    ),
}


@pytest.mark.parametrize("few", [500, 1, -1], ids=["by index", "by either", "in order"])
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort_by", SORTS)
def test_find_filters_sorts_and_pages(listed, sort_by, descending, few, monkeypatch):
    monkeypatch.setattr("naiad.service.store.queries._FEW", few)
    for label, (filters, passes) in FILTERS.items():
        expected = [one.name for one in sorted(filter(passes, LISTED), key=SORTS[sort_by], reverse=descending)]
        query = JobQuery(KIND, sort_by=sort_by, descending=descending, **filters)
        assert names(listed.find(query)) == expected, label
        for limit in (1, 2, 3):
            assert all_names(listed, replace(query, limit=limit)) == expected, (label, limit)


def test_a_page_that_ends_the_list_has_no_token(listed):
    assert listed.find(JobQuery(KIND, limit=len(LISTED))).next_token is None
    assert listed.find(JobQuery(KIND, limit=len(LISTED) - 1)).next_token is not None


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort_by", SORTS)
def test_jobs_added_between_pages_neither_repeat_nor_hide_others(listed, sort_by, descending):
    query = JobQuery(KIND, sort_by=sort_by, descending=descending, limit=2)
    found, token, number = [], None, 0
    while True:
        page = listed.find(replace(query, after=token))
        found += names(page)
        if (token := page.next_token) is None:
            break
        for seconds in (-5, 2, 2.5) if number < 10 else ():
            number += 1
            listed.add(job(f"b-new-{number}", seconds=seconds, phase=Phase.COMPLETED), {})
    assert len(found) == len(set(found))
    assert {one.name for one in LISTED} <= set(found)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": JobKind.PROCESSING},
        {"sort_by": "name"},
        {"descending": True},
        {"status": Status.FAILED},
        {"name_contains": "a"},
        {"tag": ("parity", "1")},
        {"created_after": at(-1)},
    ],
    ids=str,
)
def test_a_token_of_another_query_is_refused(listed, other):
    token = listed.find(JobQuery(KIND, limit=2)).next_token
    with pytest.raises(Invalid, match="belongs to another request"):
        listed.find(JobQuery(**{"kind": KIND, "limit": 2, "after": token} | other))


def test_the_size_of_a_page_may_change_on_the_way(listed):
    token = listed.find(JobQuery(KIND, limit=2)).next_token
    assert len(listed.find(JobQuery(KIND, limit=5, after=token)).jobs) == 5


# ---- tags


def test_tags_are_added_replaced_and_removed(store):
    store.set_tags("arn:x", {"a": "1", "b": "", "ü ⚓": "🧜"})
    store.set_tags("arn:x", {"a": "2"})
    store.set_tags("arn:y", {"a": "3"})
    assert store.tags("arn:x") == {"a": "2", "b": "", "ü ⚓": "🧜"}
    store.remove_tags("arn:x", ["a", "not there"])
    store.remove_tags("arn:z", ["a"])
    store.remove_tags("arn:x", [])
    assert store.tags("arn:x") == {"b": "", "ü ⚓": "🧜"}
    assert store.tags("arn:y") == {"a": "3"}
    assert store.tags("arn:z") == {}


def test_find_sees_tags_as_they_are_now(listed):
    arn = LISTED[0].arn
    listed.set_tags(arn, {"parity": "odd"})
    assert names(listed.find(JobQuery(KIND, tag=("parity", "odd")))) == ["delta-1"]
    listed.remove_tags(arn, ["parity"])
    assert names(listed.find(JobQuery(KIND, tag=("parity", "odd")))) == []


# ---- what the supervisor and the door ask


def test_unfinished_are_of_all_kinds_in_the_order_of_creation(store):
    for seconds, phase in enumerate(reversed(Phase)):
        store.add(job(f"t{seconds}", seconds=-seconds, phase=phase), {})
    store.add(job("p", kind=JobKind.PROCESSING, seconds=-100), {})
    found = store.unfinished()
    assert [one.created_at for one in found] == sorted(one.created_at for one in found)
    assert {one.phase for one in found} == {Phase.PENDING, *RUNNING, Phase.STOPPING}
    assert found[0].name == "p"


def test_a_key_is_its_jobs_until_the_job_ended(store):
    running = job("a", access_key="AKIA1", secret_key="s", phase=Phase.TRAINING)
    store.add(running, {})
    store.add(job("b"), {})
    assert store.by_access_key("AKIA1") == running
    assert store.by_access_key("AKIA2") is None
    assert store.by_access_key("akia1") is None
    assert store.by_access_key("") is None
    stopping = running.to(Phase.STOPPING, at=at(1))
    store.update(stopping, before=running)
    assert store.by_access_key("AKIA1") == stopping
    store.update(stopping.to(Phase.STOPPED, at=at(2)), before=stopping)
    assert store.by_access_key("AKIA1") is None


# ---- threads


def in_threads(count, work):
    """Runs ``work(n)`` in threads that start together; gives what they return."""
    barrier = threading.Barrier(count)

    def after_all_are_there(number):
        barrier.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(after_all_are_there, range(count)))


def test_no_update_is_lost_among_threads(store):
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


def test_threads_add_and_update_at_once(store):
    def add_and_finish(number):
        for index in range(6):
            added = job(f"{number}-{index}", seconds=index)
            store.add(added, {"by": str(number)})
            store.update(added.to(Phase.FAILED, at=at(9)), before=added)

    in_threads(8, add_and_finish)
    assert len(all_names(store, JobQuery(KIND, status=Status.FAILED, limit=7))) == 48
    assert len(store.find(JobQuery(KIND, tag=("by", "3"))).jobs) == 6
    assert store.unfinished() == ()


def test_of_threads_that_add_one_name_one_wins(store):
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
            found = store.get(KIND, "a")
            assert found.failure_reason in (None, str(found.attempt))

    with ThreadPoolExecutor(4) as pool:
        writing = pool.submit(write)
        list(pool.map(read, range(3)))
        writing.result()


def test_every_error_is_one_of_the_services(store):
    with pytest.raises(ServiceError):
        store.set_tags("arn:x", {"\ud800": "a"})
    assert store.tags("arn:x") == {}
