"""The contract of store/association_port.py on each database, and the entities that associations connect."""

import datetime as dt

import pytest

from naiad.service.domain.association import Association, AssociationType
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists
from naiad.service.store.entity_port import EntityQuery

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EXPERIMENT, TRIAL, COMPONENT = EntityKind.EXPERIMENT, EntityKind.TRIAL, EntityKind.TRIAL_COMPONENT


def entity(kind: EntityKind, name: str) -> Entity:
    return Entity(kind, name, "us-east-1", {}, START, START)


def member(source: Entity, destination: Entity, *, seconds: int = 0) -> Association:
    return Association(source.arn, destination.arn, AssociationType.MEMBER, START + dt.timedelta(seconds=seconds))


@pytest.fixture
def associations(store):
    return store.associations


def test_there_is_one_between_two_ends_in_each_direction(associations):
    first = Association("a", "b", AssociationType.PRODUCED, START)
    associations.add(first)
    with pytest.raises(AlreadyExists, match="an association from a to b already exists"):
        associations.add(Association("a", "b", AssociationType.SAME_AS, START))
    back = Association("b", "a", AssociationType.SAME_AS, START + dt.timedelta(microseconds=1))
    associations.add(back)
    assert associations.find() == (first, back)
    assert associations.find(source="a") == associations.find(destination="b") == (first,)
    assert associations.find(source="a", destination="a") == ()
    assert associations.remove("a", "b")
    assert not associations.remove("a", "b")
    assert associations.find() == (back,)


def test_members_of_members_and_what_a_thing_is_a_member_of(store):
    experiment, trial, component = entity(EXPERIMENT, "e"), entity(TRIAL, "t"), entity(COMPONENT, "c")
    other = entity(COMPONENT, "other")
    store.entities.add(experiment, {})
    store.entities.add(trial, {"a": "1"}, [member(trial, experiment)])
    store.entities.add(component, {}, [member(component, trial, seconds=1)])
    store.entities.add(other, {})

    def found(kind: EntityKind, **filters: str) -> list[str]:
        return [one.name for one in store.entities.find(EntityQuery(kind, **filters)).entities]

    assert found(COMPONENT, member_of=trial.arn) == found(COMPONENT, member_of=experiment.arn) == ["c"]
    assert found(TRIAL, member_of=experiment.arn) == ["t"]
    assert found(TRIAL, with_member=component.arn) == ["t"]
    assert found(COMPONENT, member_of=component.arn) == found(TRIAL, with_member=other.arn) == []
    store.entities.delete(trial)
    assert store.associations.find() == ()


def test_an_entity_comes_with_its_associations_or_not_at_all(store):
    trial, experiment = entity(TRIAL, "t"), entity(EXPERIMENT, "e")
    store.entities.add(trial, {}, [member(trial, experiment)])
    with pytest.raises(AlreadyExists):
        store.entities.add(trial, {}, [member(trial, entity(EXPERIMENT, "f"))])
    assert store.associations.find() == (member(trial, experiment),)


def test_lineage_is_no_membership(store):
    experiment, trial = entity(EXPERIMENT, "e"), entity(TRIAL, "t")
    one, other = entity(COMPONENT, "one"), entity(COMPONENT, "other")
    store.entities.add(experiment, {})
    store.entities.add(trial, {}, [member(trial, experiment)])
    store.entities.add(one, {}, [member(one, trial), Association(one.arn, "job", AssociationType.SOURCE, START)])
    store.entities.add(other, {})
    for destination in (one.arn, trial.arn, experiment.arn):
        store.associations.add(Association(other.arn, destination, AssociationType.DERIVED_FROM, START))
    store.associations.add(Association(trial.arn, "artifact", AssociationType.PRODUCED, START))

    def found(kind: EntityKind, **filters: str) -> list[str]:
        return [found.name for found in store.entities.find(EntityQuery(kind, **filters)).entities]

    for group in (trial.arn, experiment.arn, "job"):
        assert found(COMPONENT, member_of=group) == ["one"]
    for group in (one.arn, "artifact"):
        assert found(COMPONENT, member_of=group) == []
    assert found(TRIAL, with_member=one.arn) == ["t"]
    assert found(TRIAL, with_member=other.arn) == found(EXPERIMENT, with_member=other.arn) == []
