"""The contract of store/port.py on each database: single jobs, unfinished jobs and access keys."""

import datetime as dt
import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from naiad.service.domain.job import Job, JobKind, ResourceRequest, Transition
from naiad.service.domain.status import RUNNING_PHASES, WAITING_PHASES, Phase
from naiad.service.store.open import open_store
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


def test_a_deleted_job_is_forgotten_with_its_tags(store, all_names):
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
def test_an_unfinished_job_is_not_deleted(store, phase):
    store.add(job("a", phase=phase), {"team": "vision"})
    with pytest.raises(Conflict):
        store.delete(job("a", phase=Phase.COMPLETED))
    assert store.get(KIND, "a").phase is phase
    assert store.tags(job("a").arn) == {"team": "vision"}


def test_an_added_job_is_read_back_equal(store):
    added = job("a", seconds=0.000001, access_key="AKIA1", secret_key="s")
    store.add(added, {})
    assert store.get(KIND, "a") == added


def test_a_store_opened_again_has_its_jobs_and_tags(store, address):
    store.add(job("a"), {"team": "x"})
    store.close()
    again = open_store(address)
    assert again.get(KIND, "a") == job("a")
    assert again.tags(job("a").arn) == {"team": "x"}
    again.close()


def test_each_kind_has_names_of_its_own(store):
    store.add(job("a"), {})
    store.add(job("a", kind=JobKind.PROCESSING, seconds=5), {})
    assert store.get(JobKind.PROCESSING, "a").created_at == at(5)
    with pytest.raises(AlreadyExists, match=r"a training job with this name already exists \(arn:"):
        store.add(job("a", seconds=9), {"new": "tag"})
    assert store.get(KIND, "a") == job("a")
    assert store.tags(job("a").arn) == {}


def test_names_differ_by_case(store):
    store.add(job("a"), {})
    store.add(job("A"), {})
    assert store.get(KIND, "A").name == "A"


def test_a_missing_job_is_not_found(store):
    with pytest.raises(NotFound, match="no training-job of the name nobody"):
        store.get(KIND, "nobody")
    with pytest.raises(NotFound):
        store.update(job("nobody"), before=job("nobody"))


def test_an_update_replaces_the_job_that_was_read(store):
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
    resources=st.builds(
        ResourceRequest, st.integers(1, 99), st.integers(1, 999), st.integers(1, 1 << 50), st.integers(0, 16)
    ),
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
def test_any_job_is_read_back_equal(store, drawn):
    added = replace(drawn, name=f"drawn-{next(_NUMBERS)}")
    store.add(added, {})
    stored = store.get(added.kind, added.name)
    assert stored == added
    assert stored.created_at.tzinfo is dt.UTC
    assert (type(stored.kind), type(stored.phase), type(stored.transitions)) == (JobKind, Phase, tuple)


ODD = ["\0", "ünïcödé ⚓ \U0001f9dc", "\ud800 alone", "'; DROP TABLE naiad_jobs; --", "%_\\", "\u2028\r\n\t"]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_odd_text_of_a_program_is_read_back_equal(store, odd):
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
def test_a_request_that_json_cannot_hold_is_refused(store, request_):
    with pytest.raises(Invalid, match="request of training-job a"):
        store.add(job("a", request=request_), {})
    assert store.find(JobQuery(KIND)).jobs == ()


def test_times_of_other_zones_are_the_same_instant(store):
    local = START.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30)))
    store.add(replace(job("a"), created_at=local), {})
    assert store.get(KIND, "a").created_at == START


def test_unfinished_jobs_of_all_kinds_come_in_the_order_of_creation(store):
    for seconds, phase in enumerate(reversed(Phase)):
        store.add(job(f"t{seconds}", seconds=-seconds, phase=phase), {})
    store.add(job("p", kind=JobKind.PROCESSING, seconds=-100), {})
    jobs = store.unfinished_jobs()
    assert [job.created_at for job in jobs] == sorted(job.created_at for job in jobs)
    assert {job.phase for job in jobs} == {*WAITING_PHASES, *RUNNING_PHASES, Phase.STOPPING}
    assert jobs[0].name == "p"


def test_an_access_key_finds_its_job_until_the_job_ends(store):
    running = job("a", access_key="AKIA1", secret_key="s", phase=Phase.TRAINING)
    store.add(running, {})
    store.add(job("b"), {})
    assert store.find_by_access_key("AKIA1") == running
    assert store.find_by_access_key("AKIA2") is None
    assert store.find_by_access_key("akia1") is None
    assert store.find_by_access_key("") is None
    stopping = running.to(Phase.STOPPING, at=at(1))
    store.update(stopping, before=running)
    assert store.find_by_access_key("AKIA1") == stopping
    store.update(stopping.to(Phase.STOPPED, at=at(2)), before=stopping)
    assert store.find_by_access_key("AKIA1") is None
