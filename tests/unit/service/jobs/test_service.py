import threading
from dataclasses import replace
from typing import Any

import pytest

from naiad.service.domain.errors import AlreadyExists, Conflict, InUse, Invalid, LimitExceeded, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase


def create(world: Any, request: dict[str, Any], tags: dict[str, str] | None = None) -> Any:
    return world.service.create(JobKind.TRAINING, request, tags or {})


def test_each_job_is_in_the_store_with_its_own_key(world: Any, request_of: Any) -> None:
    one, two = (create(world, request_of(name), {"team": "vision"}) for name in ("one", "two"))
    stored = world.job("one")
    assert stored.phase is Phase.PENDING
    assert stored.request["Tags"] == [{"Key": "team", "Value": "vision"}]
    assert world.store.tags(one.arn) == {"team": "vision"}
    assert len({one.access_key, two.access_key, one.secret_key, two.secret_key}) == 4
    assert world.store.find_by_access_key(one.access_key) == one
    assert one.secret_key not in repr(one)


def test_the_first_transition_says_what_was_scaled_down(world: Any, request_of: Any) -> None:
    config = {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
    job = create(world, request_of("large", ResourceConfig=config))
    assert "ml.m5.4xlarge has 16 cores" in job.transitions[0].message


def test_a_name_stays_taken_after_the_end(world: Any, request_of: Any) -> None:
    create(world, request_of("one"))
    world.service.stop(JobKind.TRAINING, "one")
    with pytest.raises(AlreadyExists):
        create(world, request_of("one"))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"OutputDataConfig": {"S3OutputPath": "s3://nowhere/out"}}, Invalid, "bucket 'nowhere', which does not exist"),
        ({"ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1}}, LimitExceeded, "GPUs"),
        ({"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 65}}, LimitExceeded, "do not fit at once"),
        ({"ResourceConfig": {"InstanceType": "ml.zz.large", "InstanceCount": 1}}, Invalid, "ml.zz.large is not"),
    ],
)
def test_a_refused_request_leaves_nothing(
    world: Any, request_of: Any, changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        create(world, request_of("one", **changed))
    assert world.store.unfinished_jobs() == ()


def test_a_stop_of_an_unknown_job(world: Any) -> None:
    with pytest.raises(NotFound):
        world.service.stop(JobKind.TRAINING, "nobody")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (JobKind.TRAINING, r"Requested resource not found\. There is no training-job of the name one"),
        (
            JobKind.PROCESSING,
            r"Could not find requested job with name: one\. There is no processing-job of the name one",
        ),
        (JobKind.TRANSFORM, r"Could not find requested job with name: one\. There is no transform-job of the name one"),
    ],
)
def test_an_unknown_job_is_reported_in_the_words_of_aws(world: Any, kind: JobKind, message: str) -> None:
    for operation in (world.service.describe, world.service.stop, world.service.delete):
        with pytest.raises(NotFound, match=message):
            operation(kind, "one")


def test_a_stop_is_written_after_a_simultaneous_change(world: Any) -> None:
    """Changes the record between the read and the write of the stop, which reads it again."""
    world.create("one")
    update, calls = world.store.update, []

    def update_after_a_tick(job: Any, *, before: Any) -> None:
        calls.append(job.phase)
        if len(calls) == 1:
            world.store.update = update
            world.tick()
        update(job, before=before)

    world.store.update = update_after_a_tick
    assert world.service.stop(JobKind.TRAINING, "one").phase is Phase.STOPPING
    assert world.phase("one") is Phase.STOPPING


def test_many_clients_create_jobs_at_once(world: Any) -> None:
    threads = [threading.Thread(target=world.create, args=(f"job-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.store.unfinished_jobs()) == 8
    world.tick(2)
    positions = [world.service.queue_position(job) for job in world.store.unfinished_jobs()]
    assert sorted(position.position for position in positions if position) == list(range(1, 7))


def test_a_job_that_does_not_wait_has_no_position(world: Any) -> None:
    world.create("one")
    assert world.service.queue_position(world.job("one")) is None
    world.tick()
    assert world.service.queue_position(world.job("one")) is None


def test_keep_alive_is_written_into_the_request(world: Any) -> None:
    world.create("one")
    world.service.keep_alive("one", 60)
    assert world.job("one").request["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 60


def test_a_deleted_job_leaves_nothing_and_its_name_is_free(world: Any, request_of: Any) -> None:
    job = create(world, request_of("one"), {"team": "vision"})
    world.tick()
    log = world.service.instances(world.job("one"))[0].folder / "log"
    log.parent.mkdir(parents=True)
    log.write_text("1 line\n")
    world.service.stop(JobKind.TRAINING, "one")
    world.tick(2)
    world.service.delete(JobKind.TRAINING, "one")
    with pytest.raises(NotFound):
        world.job("one")
    assert world.store.tags(job.arn) == {}
    create(world, request_of("one"))
    world.tick()
    assert not log.exists()


def test_a_running_job_is_not_deleted(world: Any) -> None:
    world.create("one")
    for _ in range(2):
        with pytest.raises(InUse, match="stop it and wait"):
            world.service.delete(JobKind.TRAINING, "one")
        world.tick()
    assert world.phase("one") is Phase.STARTING


def test_a_deletion_of_an_unknown_job(world: Any) -> None:
    with pytest.raises(NotFound):
        world.service.delete(JobKind.TRAINING, "nobody")


def test_a_deletion_that_the_store_refuses_restores_the_files(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes the job between the check and the deletion."""
    world.create("one")
    world.tick()
    world.service.stop(JobKind.TRAINING, "one")
    running = world.job("one")
    world.tick(2)
    folder = world.folder / "jobs" / "training-job" / "one"
    store, ended = world.store, world.job("one")
    store.update(replace(running, modified_at=running.modified_at), before=ended)
    monkeypatch.setattr(store, "get", lambda kind, name: ended)
    with pytest.raises(Conflict):
        world.service.delete(JobKind.TRAINING, "one")
    assert folder.is_dir()


def test_bad_tags_are_refused(world: Any, request_of: Any) -> None:
    with pytest.raises(Invalid, match="naiad:priority"):
        create(world, request_of("one"), {"naiad:priority": "high"})
