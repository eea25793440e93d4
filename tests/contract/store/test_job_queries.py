"""The contract of store/port.py on each database: queries, their order and their pages."""

import datetime as dt
from dataclasses import replace

import pytest

from naiad.service.domain.errors import Invalid
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


def names(page):
    return [job.name for job in page.jobs]


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


@pytest.mark.parametrize("max_rows", [500, 1, -1], ids=["by index", "by either", "in order"])
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort_by", SORTS)
def test_find_filters_sorts_and_pages(listed, sort_by, descending, max_rows, monkeypatch, all_names):
    monkeypatch.setattr("naiad.service.store.queries._MAX_SELECTIVE_ROWS", max_rows)
    for label, (filters, passes) in FILTERS.items():
        expected = [one.name for one in sorted(filter(passes, LISTED), key=SORTS[sort_by], reverse=descending)]
        query = JobQuery(KIND, sort_by=sort_by, descending=descending, **filters)
        assert names(listed.find(query)) == expected, label
        for limit in (1, 2, 3) if label == "all" else (2,):
            assert all_names(listed, replace(query, limit=limit)) == expected, (label, limit)


def test_a_page_that_ends_the_list_has_no_token(listed):
    assert listed.find(JobQuery(KIND, limit=len(LISTED))).next_token is None
    assert listed.find(JobQuery(KIND, limit=len(LISTED) - 1)).next_token is not None


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort_by", SORTS)
def test_jobs_added_between_pages_neither_repeat_nor_hide_others(listed, sort_by, descending):
    query = JobQuery(KIND, sort_by=sort_by, descending=descending, limit=2)
    job_names, token, number = [], None, 0
    while True:
        page = listed.find(replace(query, next_token=token))
        job_names += names(page)
        if (token := page.next_token) is None:
            break
        for seconds in (-5, 2, 2.5) if number < 10 else ():
            number += 1
            listed.add(job(f"b-new-{number}", seconds=seconds, phase=Phase.COMPLETED), {})
    assert len(job_names) == len(set(job_names))
    assert {one.name for one in LISTED} <= set(job_names)


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
        listed.find(JobQuery(**{"kind": KIND, "limit": 2, "next_token": token} | other))


def test_the_size_of_a_page_may_change_on_the_way(listed):
    token = listed.find(JobQuery(KIND, limit=2)).next_token
    assert len(listed.find(JobQuery(KIND, limit=5, next_token=token)).jobs) == 5


def test_find_sees_tags_as_they_are_now(listed):
    arn = LISTED[0].arn
    listed.set_tags(arn, {"parity": "odd"})
    assert names(listed.find(JobQuery(KIND, tag=("parity", "odd")))) == ["delta-1"]
    listed.remove_tags(arn, ["parity"])
    assert names(listed.find(JobQuery(KIND, tag=("parity", "odd")))) == []
