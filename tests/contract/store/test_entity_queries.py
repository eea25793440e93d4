"""The contract of store/entity_port.py on each database: queries, their order and their pages."""

import datetime as dt
from dataclasses import replace

import pytest

from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import Invalid
from naiad.service.store.entity_port import EntityQuery

KIND, PACKAGE = EntityKind.ENDPOINT, EntityKind.MODEL_PACKAGE
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def entity(name: str, *, seconds: float = 0, kind: EntityKind = KIND, **more) -> Entity:
    more = {"region": "us-east-1", "request": {"Name": name}, "status": "InService"} | more
    return Entity(kind, name, created_at=at(seconds), modified_at=more.pop("modified_at", at(seconds)), **more)


def names(page):
    return [entity.name for entity in page.entities]


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
def test_find_filters_sorts_and_pages(listed, sort_by, descending, all_names):
    for label, (filters, passes) in FILTERS.items():
        expected = [one.name for one in sorted(filter(passes, LISTED), key=SORTS[sort_by], reverse=descending)]
        query = EntityQuery(KIND, sort_by=sort_by, descending=descending, **filters)
        assert names(listed.find(query)) == expected, label
        for limit in (1, 2):
            assert all_names(listed, replace(query, limit=limit)) == expected, (label, limit)


def test_versions_of_a_group_and_names_without_a_version(entities, all_names):
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
def test_entities_added_between_pages_neither_repeats_nor_hides_others(listed, sort_by, descending):
    query = EntityQuery(KIND, sort_by=sort_by, descending=descending, limit=2)
    entity_names, token, number = [], None, 0
    while True:
        page = listed.find(replace(query, next_token=token))
        entity_names += names(page)
        if (token := page.next_token) is None:
            break
        for seconds in (-5, 2, 2.5) if number < 10 else ():
            number += 1
            listed.add(entity(f"b-new-{number}", seconds=seconds), {})
    assert len(entity_names) == len(set(entity_names))
    assert {one.name for one in LISTED} <= set(entity_names)


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
        listed.find(EntityQuery(**{"kind": KIND, "limit": 2, "next_token": token} | other))


@pytest.mark.parametrize("token", ["", "x", "bm8=", "W10=", "é", "[" * 5000, "\0"], ids=lambda token: ascii(token)[:12])
def test_an_invalid_token_is_refused(listed, token):
    with pytest.raises(Invalid, match="next token"):
        listed.find(EntityQuery(KIND, next_token=token))


def test_all_entities_of_a_kind_come_in_the_order_of_creation(listed):
    listed.add(entity("first", seconds=-1), {})
    assert [one.name for one in listed.all(KIND)] == ["first", *(one.name for one in LISTED)]
    assert listed.all(EntityKind.MODEL_PACKAGE_GROUP) == ()
