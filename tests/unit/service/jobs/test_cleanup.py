"""The files that a job leaves, also when the server is killed between two steps."""

import threading
from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.job import Job, JobKind
from naiad.service.jobs.cleanup import CleanupWorker, remove_files_of_programs
from naiad.service.jobs.trash import move_to_trash, restore
from naiad.service.walls.removal import remove_tree

SMALL_FILES = ("log", "metrics", "status.json", "spec.json")


def ended_job(world: Any, name: str = "one") -> tuple[Job, Path]:
    """Returns a job that has ended, and the folder of its instance, with files in it."""
    world.create(name)
    world.tick()
    folder = world.service.instances(world.job(name))[0].folder
    write_files(folder)
    world.service.stop(JobKind.TRAINING, name)
    world.tick(2)
    assert world.job(name).status.is_final
    return world.job(name), folder


def write_files(folder: Path) -> None:
    for part in ("ml/model", "tmp", "work"):
        (folder / part).mkdir(parents=True)
        (folder / part / "large").write_bytes(b"x" * 100)
    for name in SMALL_FILES:
        (folder / name).write_text("small")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def worker(world: Any) -> CleanupWorker:
    return CleanupWorker(world.store, world.folder)


def run(worker: CleanupWorker) -> None:
    thread = threading.Thread(target=worker.run)
    thread.start()
    worker.stop()
    thread.join()


def test_the_end_of_a_job_removes_the_files_of_its_program(world: Any, worker: CleanupWorker) -> None:
    _, folder = ended_job(world)
    assert [job.name for job in world.ended_jobs] == ["one"]
    worker.job_ended(world.ended_jobs[0])
    run(worker)
    assert names(folder) == sorted(SMALL_FILES)


def test_the_start_removes_what_a_killed_server_left(world: Any, worker: CleanupWorker) -> None:
    _, folder = ended_job(world)
    world.create("two")
    world.tick()
    running = world.service.instances(world.job("two"))[0].folder
    write_files(running)
    worker.clean_up_all()
    assert names(folder) == sorted(SMALL_FILES)
    assert (running / "ml" / "model" / "large").is_file()


def test_the_cache_is_kept_small(world: Any) -> None:
    file = world.folder / "cache" / "00" / "digest"
    file.parent.mkdir(parents=True)
    for cache_bytes, stays in ((200, True), (99, False)):
        file.write_bytes(b"x" * 100)
        CleanupWorker(world.store, world.folder, cache_bytes).clean_up_all()
        assert file.exists() is stays


def test_the_cache_is_not_shrunk_after_each_job(world: Any) -> None:
    job, _ = ended_job(world)
    file = world.folder / "cache" / "00" / "digest"
    file.parent.mkdir(parents=True)
    for interval_s, stays in ((3600.0, True), (0.0, False)):
        worker = CleanupWorker(world.store, world.folder, 0, interval_s)
        worker.clean_up_all()
        file.write_bytes(b"x")
        worker.job_ended(job)
        run(worker)
        assert file.exists() is stays


def test_the_folder_of_a_job_that_is_not_in_the_store_is_kept(world: Any, worker: CleanupWorker) -> None:
    """The server may have been started with another database."""
    folder = world.folder / "jobs" / "training-job" / "stranger" / "1" / "algo-1"
    write_files(folder)
    worker.clean_up_all()
    assert (folder / "ml" / "model" / "large").is_file()


def test_a_deletion_killed_before_the_store_forgot_the_job_is_undone(world: Any, worker: CleanupWorker) -> None:
    job, folder = ended_job(world)
    assert move_to_trash(world.folder, job) is not None
    assert not folder.exists()
    worker.clean_up_all()
    assert names(folder) == sorted(SMALL_FILES)
    assert list((world.folder / "deleted" / "training-job").iterdir()) == []


def test_a_deletion_killed_after_the_store_forgot_the_job_is_finished(world: Any, worker: CleanupWorker) -> None:
    job, folder = ended_job(world)
    move_to_trash(world.folder, job)
    world.store.delete(job)
    world.clock.advance(1)
    world.create("one")
    worker.clean_up_all()
    assert not folder.exists()
    assert list((world.folder / "deleted" / "training-job").iterdir()) == []


def test_a_deletion_removes_the_folder(world: Any, worker: CleanupWorker) -> None:
    job, folder = ended_job(world)
    trashed = move_to_trash(world.folder, job)
    world.store.delete(job)
    assert trashed is not None
    worker.job_deleted(trashed)
    run(worker)
    assert not trashed.exists()
    assert not folder.parents[1].exists()


def test_a_job_without_a_folder_has_nothing_to_move_to_the_trash(world: Any) -> None:
    job = world.create("one")
    assert move_to_trash(world.folder, job) is None
    restore(world.folder, job)
    assert not (world.folder / "jobs" / "training-job" / "one").exists()


def test_a_new_job_of_the_same_name_is_not_touched(world: Any, worker: CleanupWorker) -> None:
    job, folder = ended_job(world)

    def replace_job() -> bool:
        """Replaces the job after its folder was opened and before the store is asked."""
        move_to_trash(world.folder, job)
        write_files(folder)
        return True

    remove_files_of_programs(folder.parents[1], has_ended=replace_job)
    assert (folder / "ml" / "model" / "large").is_file()
    (trashed,) = (world.folder / "deleted" / "training-job").iterdir()
    assert names(trashed / "1" / "algo-1") == sorted(SMALL_FILES)


def test_links_are_not_followed(world: Any, worker: CleanupWorker, tmp_path: Path) -> None:
    _, folder = ended_job(world)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (folder / "ml" / "model" / "away").symlink_to(outside)
    remove_tree(folder / "work")
    (folder / "work").symlink_to(outside)
    (folder.parent / "algo-2").symlink_to(outside)
    (outside / "ml").mkdir()
    worker.clean_up_all()
    assert names(outside) == ["ml", "precious"]
    assert not (folder / "work").is_symlink()


def test_an_error_does_not_end_the_thread(world: Any, worker: CleanupWorker, caplog: Any) -> None:
    _, folder = ended_job(world)
    store, worker.store = worker.store, Broken()  # type: ignore[assignment]  # reason: a store that fails
    worker.job_ended(world.job("one"))
    worker._tasks.put(lambda: setattr(worker, "store", store))
    worker.job_ended(world.job("one"))
    run(worker)
    assert names(folder) == sorted(SMALL_FILES)


class Broken:
    def get(self, kind: JobKind, name: str) -> Job:
        raise OSError("the disk is gone")
