import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from naiad.trainer.loop.events import STEPS_A_POINT, EventLog, NullEvents
from naiad.trainer.model.model import EpochRecord


def record(epoch, **scores):
    return EpochRecord(epoch, 100 * epoch, 1 / epoch, 0.1, 2.5, scores or {"loss": 0.5, "accuracy": 0.9})


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def points(folder, tag):
    events = EventAccumulator(str(folder / "events"))
    events.Reload()
    return [(event.step, pytest.approx(event.value)) for event in events.Scalars(tag)]


@pytest.fixture(params=["log", "null"])
def events(request, tmp_path):
    return EventLog.open(tmp_path) if request.param == "log" else NullEvents()


def test_contract(events):
    for step in range(1, 60):
        events.step(step, 0.5, 0.1)
    events.epoch(record(1))
    events.truncate_after(30)
    events.epoch(record(1))
    events.close()
    events.close()


def test_an_epoch_is_a_line_at_once(tmp_path):
    log = EventLog.open(tmp_path)
    log.epoch(record(1))
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
    log.close()
    assert points(tmp_path, "validation/accuracy") == [(100, 0.9)]


def test_what_is_not_finite_is_null(tmp_path):
    log = EventLog.open(tmp_path)
    log.epoch(record(1, loss=float("nan")))
    log.close()
    assert lines(tmp_path)[0]["validation"] == {"loss": None}


def test_a_point_is_the_mean_of_its_steps(tmp_path):
    log = EventLog.open(tmp_path)
    for step in range(1, 2 * STEPS_A_POINT + 5):
        log.step(step, float(step), 0.1)
    log.close()
    middle = (STEPS_A_POINT + 1) / 2
    assert points(tmp_path, "step/loss") == [(STEPS_A_POINT, middle), (2 * STEPS_A_POINT, middle + STEPS_A_POINT)]


def test_a_torn_line_is_dropped_and_the_log_goes_on(tmp_path):
    log = EventLog.open(tmp_path)
    log.epoch(record(1))
    log.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2, "st')
    again = EventLog.open(tmp_path)
    again.epoch(record(2))
    again.close()
    assert [line["epoch"] for line in lines(tmp_path)] == [1, 2]


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(tmp_path):
    log = EventLog.open(tmp_path)
    for epoch in (1, 2, 3):
        log.epoch(record(epoch))
    log.close()
    resumed = EventLog.open(tmp_path)
    resumed.truncate_after(100)
    assert [line["epoch"] for line in lines(tmp_path)] == [1]
    resumed.epoch(record(2, loss=7.0))
    resumed.close()
    assert [line["validation"]["loss"] for line in lines(tmp_path)] == [0.5, 7.0]
    assert points(tmp_path, "validation/loss") == [(100, 0.5), (200, 7.0)]


def test_a_folder_without_events_is_left_as_it_is(tmp_path):
    log = EventLog.open(tmp_path)
    log.truncate_after(0)
    log.close()
    assert list(tmp_path.iterdir()) == []
