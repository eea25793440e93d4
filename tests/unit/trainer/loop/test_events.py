"""metrics.jsonl and TensorBoard events of a run."""

import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from naiad.trainer.loop.events import STEPS_PER_POINT, EventFiles, NullEventWriter
from naiad.trainer.model.model import EpochRecord


def record(epoch, **scores):
    return EpochRecord(epoch, 100 * epoch, 1 / epoch, 0.1, 2.5, scores or {"loss": 0.5, "accuracy": 0.9})


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def points(folder, tag):
    events = EventAccumulator(str(folder / "events"))
    events.Reload()
    return [(event.step, pytest.approx(event.value)) for event in events.Scalars(tag)]


@pytest.fixture(params=["files", "null"])
def events(request, tmp_path):
    return EventFiles(tmp_path) if request.param == "files" else NullEventWriter()


def test_every_writer_takes_the_calls_of_a_run(events):
    for step in range(1, 60):
        events.write_step(step, 0.5, 0.1)
    events.write_epoch(record(1))
    events.truncate_after(30)
    events.write_epoch(record(1))
    events.close()
    events.close()


def test_an_epoch_is_written_at_once(tmp_path):
    files = EventFiles(tmp_path)
    files.write_epoch(record(1))
    assert lines(tmp_path) == [
        {
            "epoch": 1,
            "step": 100,
            "train_loss": 1.0,
            "learning_rate": 0.1,
            "seconds": 2.5,
            "validation": {"loss": 0.5, "accuracy": 0.9},
        }
    ]
    files.close()
    assert points(tmp_path, "validation/accuracy") == [(100, 0.9)]


def test_a_number_that_is_not_finite_is_null(tmp_path):
    files = EventFiles(tmp_path)
    files.write_epoch(record(1, loss=float("nan")))
    files.close()
    assert lines(tmp_path)[0]["validation"] == {"loss": None}


def test_a_point_is_the_mean_of_its_steps(tmp_path):
    files = EventFiles(tmp_path)
    for step in range(1, 2 * STEPS_PER_POINT + 5):
        files.write_step(step, float(step), 0.1)
    files.close()
    middle = (STEPS_PER_POINT + 1) / 2
    assert points(tmp_path, "step/loss") == [(STEPS_PER_POINT, middle), (2 * STEPS_PER_POINT, middle + STEPS_PER_POINT)]


def test_an_incomplete_line_is_removed(tmp_path):
    files = EventFiles(tmp_path)
    files.write_epoch(record(1))
    files.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2, "st')
    again = EventFiles(tmp_path)
    again.write_epoch(record(2))
    again.close()
    assert [line["epoch"] for line in lines(tmp_path)] == [1, 2]


def test_a_resumed_run_removes_what_came_after_its_checkpoint(tmp_path):
    files = EventFiles(tmp_path)
    for epoch in (1, 2, 3):
        files.write_epoch(record(epoch))
    files.close()
    resumed = EventFiles(tmp_path)
    resumed.truncate_after(100)
    assert [line["epoch"] for line in lines(tmp_path)] == [1]
    resumed.write_epoch(record(2, loss=7.0))
    resumed.close()
    assert [line["validation"]["loss"] for line in lines(tmp_path)] == [0.5, 7.0]
    assert points(tmp_path, "validation/loss") == [(100, 0.5), (200, 7.0)]


def test_a_truncated_folder_without_events_stays_empty(tmp_path):
    files = EventFiles(tmp_path)
    files.truncate_after(0)
    files.close()
    assert list(tmp_path.iterdir()) == []
