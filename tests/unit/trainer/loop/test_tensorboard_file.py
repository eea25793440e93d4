"""A file of TensorBoard events, as TensorBoard's own reader reads it."""

import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from naiad.trainer.loop.tensorboard_file import TensorBoardFile


def points(folder: Path, tag: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Lets a write that makes a file larger fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_point_is_in_the_file_at_once(tmp_path: Path) -> None:
    file = TensorBoardFile(tmp_path / "events")
    file.add_scalars({"loss": 0.5, "rate": 0.25}, 20)
    assert points(tmp_path / "events", "loss") == [(20, 0.5)]
    file.add_scalars({"loss": 0.25}, 40)
    file.close()
    file.close()
    assert points(tmp_path / "events", "loss") == [(20, 0.5), (40, 0.25)]
    assert points(tmp_path / "events", "rate") == [(20, 0.25)]


def test_a_later_file_takes_the_place_of_what_came_after_its_first_step(tmp_path: Path) -> None:
    for first_step, value in ((None, 1.0), (21, 2.0)):
        file = TensorBoardFile(tmp_path, first_step=first_step)
        for step in (20, 40) if first_step is None else (40,):
            file.add_scalars({"loss": value}, step)
        file.close()
    assert points(tmp_path, "loss") == [(20, 1.0), (40, 2.0)]


def test_a_write_that_fails_is_one_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    threads = threading.active_count()
    file = TensorBoardFile(tmp_path)
    size = next(tmp_path.iterdir()).stat().st_size
    with files_of_at_most(size), pytest.raises(OSError, match="too large"):
        file.add_scalars({"loss": 0.5}, 20)
    file.close()
    with files_of_at_most(0), pytest.raises(OSError, match="too large"):
        TensorBoardFile(tmp_path)
    assert threading.active_count() == threads
    assert capfd.readouterr().err == ""
