"""A database of an earlier version keeps its content through an upgrade, on each database."""

import datetime as dt

import pytest
from sqlalchemy import insert, inspect, text
from sqlalchemy.engine import make_url

from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.store.engines import postgres_engines, sqlite_engines
from naiad.service.store.entity_port import EntityQuery
from naiad.service.store.job_rows import job_to_row
from naiad.service.store.migrations import MIGRATIONS, upgrade
from naiad.service.store.open import FILE_NAME, open_store
from naiad.service.store.schema import CHECKSUM, jobs, tags

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
JOB = Job(JobKind.TRAINING, "a", "us-east-1", {"TrainingJobName": "a"}, ResourceRequest(1, 2, 3 << 30), START, START)


@pytest.fixture
def first_version(address, tmp_path):
    """The address of a database of version 1 that holds a job with a tag."""
    engines = postgres_engines(make_url(address)) if "://" in address else sqlite_engines(tmp_path / FILE_NAME)
    upgrade(engines.writer, MIGRATIONS[:1])
    with engines.writer.begin() as connection:
        assert set(inspect(connection).get_table_names()) == {"naiad_jobs", "naiad_tags", "naiad_version"}
        new = ("creator", CHECKSUM)
        row = {name: value for name, value in job_to_row(JOB).items() if name not in new}
        connection.execute(insert(jobs).values(row))
        connection.execute(insert(tags).values(arn=JOB.arn, key="team", value="vision"))
    engines.dispose()
    return address


def test_a_database_of_version_1_keeps_its_content(first_version):
    store = open_store(first_version)
    assert store.get(JobKind.TRAINING, "a") == JOB
    assert JOB.creator is None
    assert store.tags(JOB.arn) == {"team": "vision"}
    assert store.entities.find(EntityQuery(EntityKind.MODEL)).entities == ()
    model = Entity(EntityKind.MODEL, "m", "us-east-1", {}, START, START)
    store.entities.add(model, {"team": "speech"})
    store.close()
    again = open_store(first_version)
    assert again.entities.all(EntityKind.MODEL) == (model,)
    assert again.tags(model.arn) == {"team": "speech"}
    again.close()


def test_a_database_can_be_upgraded_twice(first_version):
    first, second = open_store(first_version), open_store(first_version)
    with second.entities._database.connect() as connection:
        assert connection.execute(text("SELECT version FROM naiad_version")).scalars().all() == [len(MIGRATIONS)]
    first.close()
    second.close()
