"""Rates of this machine, with a clock that is told how long everything takes."""

import pytest
import torch

from naiad.trainer.machine import device, speed
from naiad.trainer.machine.speed import FORMATS, measure_rates


class Clock:
    """Advances by a quarter of a second each time it is read."""

    now = 0.0

    def __call__(self):
        self.now += 0.25
        return self.now


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    monkeypatch.setattr(device, "best_device", lambda: "cpu")
    monkeypatch.setattr(device, "usable_cores", lambda: 2)
    monkeypatch.setattr(speed, "_MATRIX_SIDE", {"cpu": 16})
    monkeypatch.setattr(speed, "_COPIED_BYTES", 4_096)
    monkeypatch.setattr(speed, "_FILE_BYTES", 1_000_000)


def test_every_operation_is_measured_with_one_thread_and_with_all(tmp_path):
    before = torch.get_num_threads()
    rates = list(measure_rates(tmp_path, clock=Clock()))
    per_threads = [(what, name) for name in FORMATS for what in ("matrix product", "convolution")]
    per_threads.append(("memory copy", None))
    expected = [(what, name, threads) for threads in (1, 2) for what, name in per_threads]
    expected += [("disk write", None, None), ("disk read", None, None)]
    assert [(rate.what, rate.number_format, rate.threads) for rate in rates] == expected
    assert torch.get_num_threads() == before
    assert list(tmp_path.iterdir()) == []


def test_a_rate_is_work_a_second(tmp_path):
    rates = {rate.what: rate for rate in measure_rates(tmp_path, clock=Clock())}
    assert rates["matrix product"].value == pytest.approx(2 * 16**3 / 0.25 / 1e9)
    assert rates["memory copy"].value == pytest.approx(2 * 4_096 / 0.25 / 1e9)
    assert rates["disk write"].value == pytest.approx(1_000_000 / 0.25 / 1e6)


def test_threads_are_put_back_where_the_measuring_ends_early(tmp_path):
    before = torch.get_num_threads()
    rates = measure_rates(tmp_path, clock=Clock())
    next(rates)
    rates.close()
    assert torch.get_num_threads() == before
