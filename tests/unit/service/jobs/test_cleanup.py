"""What stays of a job, also when the server is killed between two steps."""

import threading
from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.job import Job, JobKind
from naiad.service.jobs.cleanup import Sweeper, put_aside, put_back, tidy
from naiad.service.jobs.trees import remove_tree

KEPT = ("log", "metrics", "status.json", "spec.json")


def over(world: Any, name: str = "one") -> tuple[Job, Path]:
    """A job that has ended, with the files of an attempt, and its instance's folder."""
    world.create(name)
    world.tick()
    folder = world.service.instances(world.job(name))[0].folder
    write(folder)
    world.service.stop(JobKind.TRAINING, name)
    world.tick(2)
    assert world.job(name).status.is_final
    return world.job(name), folder


def write(folder: Path) -> None:
    for part in ("ml/model", "tmp", "work"):
        (folder / part).mkdir(parents=True)
        (folder / part / "large").write_bytes(b"x" * 100)
    for name in KEPT:
        (folder / name).write_text("small")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def sweeper(world: Any) -> Sweeper:
    return Sweeper(world.store, world.folder)


def run(sweeper: Sweeper) -> None:
    thread = threading.Thread(target=sweeper.run)
    thread.start()
    sweeper.stop()
    thread.join()


def test_the_programs_files_go_with_the_end_and_the_small_ones_stay(world: Any, sweeper: Sweeper) -> None:
    _, folder = over(world)
    assert [job.name for job in world.ended] == ["one"]
    sweeper.ended(world.ended[0])
    run(sweeper)
    assert names(folder) == sorted(KEPT)


def test_a_start_sweeps_what_a_killed_server_left(world: Any, sweeper: Sweeper) -> None:
    _, folder = over(world)
    world.create("two")
    world.tick()
    running = world.service.instances(world.job("two"))[0].folder
    write(running)
    sweeper.sweep()
    assert names(folder) == sorted(KEPT)
    assert (running / "ml" / "model" / "large").is_file()


def test_the_cache_is_kept_small(world: Any) -> None:
    file = world.folder / "cache" / "00" / "digest"
    file.parent.mkdir(parents=True)
    for cache_bytes, stays in ((200, True), (99, False)):
        file.write_bytes(b"x" * 100)
        Sweeper(world.store, world.folder, cache_bytes).sweep()
        assert file.exists() is stays


def test_the_cache_is_looked_at_after_a_job_but_not_after_each(world: Any) -> None:
    job, _ = over(world)
    file = world.folder / "cache" / "00" / "digest"
    file.parent.mkdir(parents=True)
    for every_s, stays in ((3600.0, True), (0.0, False)):
        sweeper = Sweeper(world.store, world.folder, 0, every_s)
        sweeper.sweep()
        file.write_bytes(b"x")
        sweeper.ended(job)
        run(sweeper)
        assert file.exists() is stays


def test_a_folder_that_no_store_knows_is_left_alone(world: Any, sweeper: Sweeper) -> None:
    """The server may have been started with another database."""
    folder = world.folder / "jobs" / "training-job" / "stranger" / "1" / "algo-1"
    write(folder)
    sweeper.sweep()
    assert (folder / "ml" / "model" / "large").is_file()


def test_killed_before_the_store_forgot_the_job_is_whole_again(world: Any, sweeper: Sweeper) -> None:
    job, folder = over(world)
    assert put_aside(world.folder, job) is not None
    assert not folder.exists()
    sweeper.sweep()
    assert names(folder) == sorted(KEPT)
    assert list((world.folder / "deleted" / "training-job").iterdir()) == []


def test_killed_after_the_store_forgot_nothing_stays(world: Any, sweeper: Sweeper) -> None:
    job, folder = over(world)
    put_aside(world.folder, job)
    world.store.delete(job)
    world.clock.advance(1)
    world.create("one")
    sweeper.sweep()
    assert not folder.exists()
    assert list((world.folder / "deleted" / "training-job").iterdir()) == []


def test_a_deletion_removes_the_folder(world: Any, sweeper: Sweeper) -> None:
    job, folder = over(world)
    aside = put_aside(world.folder, job)
    world.store.delete(job)
    assert aside is not None
    sweeper.put_aside(aside)
    run(sweeper)
    assert not aside.exists()
    assert not folder.parents[1].exists()


def test_a_job_that_never_had_a_folder_has_none_to_put_aside(world: Any) -> None:
    job = world.create("one")
    assert put_aside(world.folder, job) is None
    put_back(world.folder, job)
    assert not (world.folder / "jobs" / "training-job" / "one").exists()


def test_a_new_job_that_takes_the_name_meanwhile_is_not_touched(world: Any, sweeper: Sweeper) -> None:
    job, folder = over(world)

    def replaced() -> bool:
        """Between the moment that the folder was taken in hand and the look into the store."""
        put_aside(world.folder, job)
        write(folder)
        return True

    tidy(folder.parents[1], has_ended=replaced)
    assert (folder / "ml" / "model" / "large").is_file()
    (aside,) = (world.folder / "deleted" / "training-job").iterdir()
    assert names(aside / "1" / "algo-1") == sorted(KEPT)


def test_links_are_not_followed(world: Any, sweeper: Sweeper, tmp_path: Path) -> None:
    _, folder = over(world)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (folder / "ml" / "model" / "away").symlink_to(outside)
    remove_tree(folder / "work")
    (folder / "work").symlink_to(outside)
    (folder.parent / "algo-2").symlink_to(outside)
    (outside / "ml").mkdir()
    sweeper.sweep()
    assert names(outside) == ["ml", "precious"]
    assert not (folder / "work").is_symlink()


def test_what_cannot_be_removed_does_not_end_the_thread(world: Any, sweeper: Sweeper, caplog: Any) -> None:
    _, folder = over(world)
    store, sweeper.store = sweeper.store, Broken()  # type: ignore[assignment]  # reason: a store that is away
    sweeper.ended(world.job("one"))
    sweeper._todo.put(lambda: setattr(sweeper, "store", store))
    sweeper.ended(world.job("one"))
    run(sweeper)
    assert names(folder) == sorted(KEPT)


class Broken:
    def get(self, kind: JobKind, name: str) -> Job:
        raise OSError("the disk is away")
