"""The contract of store/entity_port.py on each database: single entities, and threads that change them at once."""

import datetime as dt
import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from naiad.service.store.open import open_store

KIND = EntityKind.ENDPOINT
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def entity(name: str, *, seconds: float = 0, kind: EntityKind = KIND, **more) -> Entity:
    more = {"region": "us-east-1", "request": {"Name": name}, "status": "InService"} | more
    return Entity(kind, name, created_at=at(seconds), modified_at=more.pop("modified_at", at(seconds)), **more)


def test_an_added_entity_is_read_back_equal(entities):
    added = entity("a", seconds=0.000001, detail={"next": {"number": 1}})
    entities.add(added, {})
    assert entities.get(KIND, "a") == added


def test_a_store_opened_again_has_its_entities_and_tags(store, address):
    store.entities.add(entity("a"), {"team": "x"})
    store.close()
    again = open_store(address)
    assert again.entities.get(KIND, "a") == entity("a")
    assert again.tags(entity("a").arn) == {"team": "x"}
    again.close()


def test_names_differ_by_kind_and_case(entities, store):
    entities.add(entity("a"), {})
    entities.add(entity("A", seconds=3), {})
    entities.add(entity("a", kind=EntityKind.MODEL, seconds=5), {})
    assert entities.get(KIND, "A").created_at == at(3)
    assert entities.get(EntityKind.MODEL, "a").created_at == at(5)
    with pytest.raises(AlreadyExists, match="endpoint a already exists"):
        entities.add(entity("a", seconds=9), {"new": "tag"})
    assert entities.get(KIND, "a") == entity("a")
    assert store.tags(entity("a").arn) == {}


def test_a_missing_entity_is_not_found(entities):
    with pytest.raises(NotFound, match="no endpoint of the name nobody"):
        entities.get(KIND, "nobody")
    with pytest.raises(NotFound):
        entities.update(entity("nobody"), before=entity("nobody"))
    with pytest.raises(NotFound):
        entities.delete(entity("nobody"))


def test_a_deleted_entity_is_forgotten_with_its_tags(entities, store):
    entities.add(entity("a"), {"team": "vision"})
    entities.add(entity("b"), {"team": "vision"})
    entities.delete(entity("a"))
    with pytest.raises(NotFound):
        entities.get(KIND, "a")
    assert (store.tags(entity("a").arn), store.tags(entity("b").arn)) == ({}, {"team": "vision"})


def test_a_later_entity_of_the_name_is_not_deleted(entities, store):
    entities.add(entity("a"), {})
    entities.delete(entity("a"))
    entities.add(entity("a", seconds=9), {"team": "vision"})
    with pytest.raises(NotFound):
        entities.delete(entity("a"))
    assert entities.get(KIND, "a") == entity("a", seconds=9)
    assert store.tags(entity("a").arn) == {"team": "vision"}


def test_an_update_replaces_the_entity_that_was_read(entities):
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


def test_an_update_of_an_entity_that_was_created_again_is_refused(entities):
    entities.add(entity("a", modified_at=at(7)), {})
    entities.delete(entity("a"))
    entities.add(entity("a", seconds=2, modified_at=at(7)), {})
    with pytest.raises(NotFound):
        entities.update(entity("a", status="Failed"), before=entity("a", modified_at=at(7)))
    assert entities.get(KIND, "a").status == "InService"


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
def test_any_entity_is_read_back_equal(entities, drawn):
    added = replace(drawn, name=f"drawn-{next(_NUMBERS)}")
    entities.add(added, {})
    stored = entities.get(added.kind, added.name)
    assert stored == added
    assert (type(stored.kind), stored.created_at.tzinfo) == (EntityKind, dt.UTC)


@pytest.mark.parametrize(
    "odd", ["\0", "ünïcödé ⚓ \U0001f9dc", "\ud800 alone", "'; DROP TABLE naiad_entities; --"], ids=ascii
)
def test_odd_text_is_read_back_equal(entities, odd):
    added = entity("a", request={odd: [odd]}, detail={"failure_reason": odd})
    entities.add(added, {})
    assert entities.get(KIND, "a") == added


@pytest.mark.parametrize("name", ["\0", "\ud800", "ü", "'", "%", "a" * 5000], ids=lambda name: ascii(name)[:12])
def test_odd_names_are_not_found(entities, name):
    entities.add(entity("a"), {})
    with pytest.raises((NotFound, Invalid)):
        entities.get(KIND, name)


@pytest.mark.parametrize("field", ["request", "detail"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", START], ids=repr)
def test_values_that_json_cannot_hold_are_refused(entities, field, value):
    with pytest.raises(Invalid, match="endpoint a cannot be stored as JSON"):
        entities.add(entity("a", **{field: {"x": value}}), {})
    assert entities.all(KIND) == ()


def test_no_update_is_lost_among_threads(entities, in_threads):
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


def test_one_of_many_threads_that_add_a_name_succeeds(entities, store, in_threads):
    def add(number):
        try:
            entities.add(entity("same", seconds=number), {"by": str(number)})
        except AlreadyExists:
            return None
        return number

    (winner,) = [number for number in in_threads(6, add) if number is not None]
    assert entities.get(KIND, "same").created_at == at(winner)
    assert store.tags(entity("same").arn) == {"by": str(winner)}
