"""The contract of store/entities_port.py, on each database."""

import datetime as dt
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from naiad.service.store.entities_port import EntityQuery
from naiad.service.store.open import open_store

KIND, PACKAGE = EntityKind.ENDPOINT, EntityKind.MODEL_PACKAGE
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def entity(name: str, *, seconds: float = 0, kind: EntityKind = KIND, **more) -> Entity:
    more = {"region": "us-east-1", "request": {"Name": name}, "status": "InService"} | more
    return Entity(kind, name, created_at=at(seconds), modified_at=more.pop("modified_at", at(seconds)), **more)


@pytest.fixture
def entities(store):
    return store.entities


def names(page):
    return [found.name for found in page.entities]


def all_names(entities, query):
    found, token = [], None
    while True:
        page = entities.find(replace(query, after=token))
        found += names(page)
        if (token := page.next_token) is None:
            return found


# ---- one entity


def test_what_was_added_comes_back_equal(entities):
    added = entity("a", seconds=0.000001, detail={"next": {"number": 1}})
    entities.add(added, {})
    assert entities.get(KIND, "a") == added


def test_a_store_opened_again_has_what_was_acknowledged(store, address):
    store.entities.add(entity("a"), {"team": "x"})
    store.close()
    again = open_store(address)
    assert again.entities.get(KIND, "a") == entity("a")
    assert again.tags(entity("a").arn) == {"team": "x"}
    again.close()


def test_names_are_of_their_kind_and_case(entities, store):
    entities.add(entity("a"), {})
    entities.add(entity("A", seconds=3), {})
    entities.add(entity("a", kind=EntityKind.MODEL, seconds=5), {})
    assert entities.get(KIND, "A").created_at == at(3)
    assert entities.get(EntityKind.MODEL, "a").created_at == at(5)
    with pytest.raises(AlreadyExists, match="endpoint a exists already"):
        entities.add(entity("a", seconds=9), {"new": "tag"})
    assert entities.get(KIND, "a") == entity("a")
    assert store.tags(entity("a").arn) == {}


def test_what_is_not_there(entities):
    with pytest.raises(NotFound, match="no endpoint of the name nobody"):
        entities.get(KIND, "nobody")
    with pytest.raises(NotFound):
        entities.update(entity("nobody"), before=entity("nobody"))
    with pytest.raises(NotFound):
        entities.delete(entity("nobody"))


def test_what_is_deleted_is_forgotten_with_its_tags(entities, store):
    entities.add(entity("a"), {"team": "vision"})
    entities.add(entity("b"), {"team": "vision"})
    entities.delete(entity("a"))
    with pytest.raises(NotFound):
        entities.get(KIND, "a")
    assert (store.tags(entity("a").arn), store.tags(entity("b").arn)) == ({}, {"team": "vision"})


def test_another_one_of_the_name_is_not_deleted(entities, store):
    entities.add(entity("a"), {})
    entities.delete(entity("a"))
    entities.add(entity("a", seconds=9), {"team": "vision"})
    with pytest.raises(NotFound):
        entities.delete(entity("a"))
    assert entities.get(KIND, "a") == entity("a", seconds=9)
    assert store.tags(entity("a").arn) == {"team": "vision"}


def test_an_update_takes_the_place_of_what_was_read(entities):
    entities.add(entity("a"), {})
    after = entity("a", status="Updating", modified_at=at(1), detail={"number": 2})
    entities.update(after, before=entity("a"))
    assert entities.get(KIND, "a") == after


@pytest.mark.parametrize("stale", [{"modified_at": at(0.000001)}, {"status": "Updating"}], ids=["time", "status"])
def test_an_update_of_a_stale_record_is_refused_and_changes_nothing(entities, stale):
    entities.add(entity("a"), {})
    before = entity("a", **stale)
    with pytest.raises(Conflict, match="changed since it was read"):
        entities.update(replace(before, status="Failed"), before=before)
    assert entities.get(KIND, "a") == entity("a")


def test_an_update_of_one_that_was_made_again_is_refused(entities):
    entities.add(entity("a", modified_at=at(7)), {})
    entities.delete(entity("a"))
    entities.add(entity("a", seconds=2, modified_at=at(7)), {})
    with pytest.raises(NotFound):
        entities.update(entity("a", status="Failed"), before=entity("a", modified_at=at(7)))
    assert entities.get(KIND, "a").status == "InService"


# ---- exactness

_TEXT = st.text(max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_TIMES = st.datetimes(min_value=dt.datetime(1, 1, 2), max_value=dt.datetime(9999, 12, 30), timezones=st.just(dt.UTC))  # noqa: DTZ001  the zone is given beside
_ENTITIES = st.builds(
    Entity,
    kind=st.sampled_from(EntityKind),
    name=st.just("a"),
    region=st.sampled_from(["us-east-1", "eu-west-3"]),
    request=st.dictionaries(_TEXT, _JSON, max_size=4),
    created_at=_TIMES,
    modified_at=_TIMES,
    status=st.sampled_from(["", "InService", "Approved"]),
    detail=st.dictionaries(_TEXT, _JSON, max_size=4),
)
_NUMBERS = itertools.count()


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=_ENTITIES)
def test_any_entity_comes_back_equal(entities, drawn):
    added = replace(drawn, name=f"drawn-{next(_NUMBERS)}")
    entities.add(added, {})
    found = entities.get(added.kind, added.name)
    assert found == added
    assert (type(found.kind), found.created_at.tzinfo) == (EntityKind, dt.UTC)


@pytest.mark.parametrize(
    "odd", ["\0", "ünïcödé ⚓ \U0001f9dc", "\ud800 alone", "'; DROP TABLE naiad_entities; --"], ids=ascii
)
def test_odd_text_comes_back_equal(entities, odd):
    added = entity("a", request={odd: [odd]}, detail={"failure_reason": odd})
    entities.add(added, {})
    assert entities.get(KIND, "a") == added


@pytest.mark.parametrize("name", ["\0", "\ud800", "ü", "'", "%", "a" * 5000], ids=lambda name: ascii(name)[:12])
def test_odd_names_are_not_found(entities, name):
    entities.add(entity("a"), {})
    with pytest.raises((NotFound, Invalid)):
        entities.get(KIND, name)


@pytest.mark.parametrize("part", ["request", "detail"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", START], ids=repr)
def test_what_is_no_json_is_refused(entities, part, value):
    with pytest.raises(Invalid, match="endpoint a cannot be stored as JSON"):
        entities.add(entity("a", **{part: {"x": value}}), {})
    assert entities.all(KIND) == ()


# ---- find

LISTED = [
    entity("delta-1", seconds=0, status="InService", modified_at=at(90)),
    entity("alpha-1", seconds=1, status="Failed", modified_at=at(80)),
    entity("Beta-10", seconds=2, status="Updating", modified_at=at(70)),
    entity("beta-2", seconds=2, status="InService", modified_at=at(70)),
    entity("gamma_%", seconds=3, status="Creating", modified_at=at(60)),
    entity("alpha-2", seconds=4, status="Failed", modified_at=at(50)),
]
SORTS = {
    "name": lambda one: one.name,
    "created_at": lambda one: (one.created_at, one.name),
    "modified_at": lambda one: (one.modified_at, one.name),
    "status": lambda one: (one.status, one.created_at, one.name),
}
FILTERS = {
    "all": ({}, lambda one: True),
    "status": ({"status": "Failed"}, lambda one: one.status == "Failed"),
    "status of none": ({"status": "Deleting"}, lambda one: False),
    "name": ({"name_contains": "alpha"}, lambda one: "alpha" in one.name),
    "name by case": ({"name_contains": "Beta"}, lambda one: "Beta" in one.name),
    "wildcards are letters": ({"name_contains": "_%"}, lambda one: "_%" in one.name),
    "quote": ({"name_contains": "'"}, lambda one: False),
    "prefix": ({"name_prefix": "alpha-"}, lambda one: one.name.startswith("alpha-")),
    "prefix by case": ({"name_prefix": "beta"}, lambda one: one.name == "beta-2"),
    "prefix in the middle": ({"name_prefix": "lpha"}, lambda one: False),
    "wildcard as prefix": ({"name_prefix": "%"}, lambda one: False),
    "created after": ({"created_after": at(2)}, lambda one: one.created_at >= at(2)),
    "created before": ({"created_before": at(2)}, lambda one: one.created_at <= at(2)),
    "created just before": ({"created_before": at(1.999999)}, lambda one: one.created_at < at(2)),
    "modified between": (
        {"modified_after": at(50), "modified_before": at(70)},
        lambda one: at(50) <= one.modified_at <= at(70),
    ),
    "two at once": (
        {"status": "Failed", "name_contains": "alpha", "created_after": at(2)},
        lambda one: one.name == "alpha-2",
    ),
}


@pytest.fixture
def listed(entities):
    for one in LISTED:
        entities.add(one, {})
    entities.add(entity("alpha-1", kind=EntityKind.MODEL, seconds=1), {})
    return entities


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort_by", SORTS)
def test_find_filters_sorts_and_pages(listed, sort_by, descending):
    for label, (filters, passes) in FILTERS.items():
        expected = [one.name for one in sorted(filter(passes, LISTED), key=SORTS[sort_by], reverse=descending)]
        query = EntityQuery(KIND, sort_by=sort_by, descending=descending, **filters)
        assert names(listed.find(query)) == expected, label
        for limit in (1, 2):
            assert all_names(listed, replace(query, limit=limit)) == expected, (label, limit)


def test_versions_of_a_group_and_what_has_none(entities):
    for name in ("shoes/1", "shoes/2", "shoes-2/1", "shoes", "hats"):
        entities.add(entity(name, kind=PACKAGE), {})
    assert all_names(entities, EntityQuery(PACKAGE, name_prefix="shoes/", sort_by="name")) == ["shoes/1", "shoes/2"]
    versions = EntityQuery(PACKAGE, has_version=True, sort_by="name", limit=2)
    assert all_names(entities, versions) == ["shoes-2/1", "shoes/1", "shoes/2"]
    assert all_names(entities, replace(versions, has_version=False)) == ["hats", "shoes"]


def test_a_page_that_ends_the_list_has_no_token(listed):
    assert listed.find(EntityQuery(KIND, limit=len(LISTED))).next_token is None
    assert listed.find(EntityQuery(KIND, limit=len(LISTED) - 1)).next_token is not None


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort_by", SORTS)
def test_what_is_added_between_pages_neither_repeats_nor_hides_others(listed, sort_by, descending):
    query = EntityQuery(KIND, sort_by=sort_by, descending=descending, limit=2)
    found, token, number = [], None, 0
    while True:
        page = listed.find(replace(query, after=token))
        found += names(page)
        if (token := page.next_token) is None:
            break
        for seconds in (-5, 2, 2.5) if number < 10 else ():
            number += 1
            listed.add(entity(f"b-new-{number}", seconds=seconds), {})
    assert len(found) == len(set(found))
    assert {one.name for one in LISTED} <= set(found)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": EntityKind.MODEL},
        {"sort_by": "name"},
        {"descending": True},
        {"status": "Failed"},
        {"name_contains": "a"},
        {"name_prefix": "a"},
        {"has_version": True},
        {"created_after": at(-1)},
    ],
    ids=str,
)
def test_a_token_of_another_query_is_refused(listed, other):
    token = listed.find(EntityQuery(KIND, limit=2)).next_token
    with pytest.raises(Invalid, match="belongs to another request"):
        listed.find(EntityQuery(**{"kind": KIND, "limit": 2, "after": token} | other))


@pytest.mark.parametrize("token", ["", "x", "bm8=", "W10=", "é", "[" * 5000, "\0"], ids=lambda token: ascii(token)[:12])
def test_a_token_that_is_none_is_refused(listed, token):
    with pytest.raises(Invalid, match="next token"):
        listed.find(EntityQuery(KIND, after=token))


def test_all_of_a_kind_in_the_order_of_creation(listed):
    listed.add(entity("first", seconds=-1), {})
    assert [one.name for one in listed.all(KIND)] == ["first", *(one.name for one in LISTED)]
    assert listed.all(EntityKind.MODEL_PACKAGE_GROUP) == ()


# ---- threads


def in_threads(count, work):
    """Runs ``work(n)`` in threads that start together; gives what they return."""
    barrier = threading.Barrier(count)

    def after_all_are_there(number):
        barrier.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(after_all_are_there, range(count)))


def test_no_update_is_lost_among_threads(entities):
    entities.add(entity("shared", detail={"count": 0}), {})

    def count_up(_):
        done = 0
        while done < 5:
            before = entities.get(KIND, "shared")
            count = before.detail["count"] + 1
            try:
                entities.update(replace(before, detail={"count": count}, modified_at=at(count)), before=before)
                done += 1
            except Conflict:
                pass

    in_threads(6, count_up)
    assert entities.get(KIND, "shared").detail == {"count": 30}


def test_of_threads_that_add_one_name_one_wins(entities, store):
    def add(number):
        try:
            entities.add(entity("same", seconds=number), {"by": str(number)})
        except AlreadyExists:
            return None
        return number

    (winner,) = [number for number in in_threads(6, add) if number is not None]
    assert entities.get(KIND, "same").created_at == at(winner)
    assert store.tags(entity("same").arn) == {"by": str(winner)}
