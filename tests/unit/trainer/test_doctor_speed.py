"""The choices that follow from the speed of a machine."""

import json

import pytest

from naiad.trainer import doctor_speed
from naiad.trainer.doctor_speed import likely_choices, measure_speed
from naiad.trainer.machine import device
from naiad.trainer.machine.core_time import CoreTime
from naiad.trainer.machine.speed import Rate

ALONE, CROWDED = CoreTime(1.0, 0.01), CoreTime(1.0, 1.0)


def rates_of(*, bf16, two_threads, threads=(1, 2)):
    """Rates in units of fp32 with one thread."""
    return [
        Rate(what, 100.0 * (bf16 if name == "bf16" else 1) * (two_threads if count == 2 else 1), "GFLOP/s", name, count)
        for count in threads
        for name in ("fp32", "bf16")
        for what in ("matrix product", "convolution")
    ]


@pytest.fixture
def choices(monkeypatch):
    def make(rates, core_time=ALONE, *, has_bf16=True, name="cpu"):
        monkeypatch.setattr(device, "best_device", lambda: name)
        monkeypatch.setattr(device, "has_bf16", lambda _: has_bf16)
        return {choice.name: choice for choice in likely_choices(rates, core_time)}

    return make


def test_the_fastest_values_are_named(choices):
    quick = choices(rates_of(bf16=3, two_threads=1.8))
    assert [quick[name].value for name in ("precision", "muon_precision", "threads")] == ["bf16", "bf16", "2"]
    assert quick["precision"].reason == "convolution: fp32 180 GFLOP/s, bf16 540 GFLOP/s"
    slow = choices(rates_of(bf16=0.03, two_threads=0.5), has_bf16=False)
    assert [slow[name].value for name in ("precision", "muon_precision", "threads")] == ["fp32", "fp32", "1"]


def test_a_format_that_is_imitated_is_never_chosen(choices):
    choice = choices(rates_of(bf16=1.1, two_threads=2), has_bf16=False)["precision"]
    assert (choice.value, "no bf16 units" in choice.reason) == ("fp32", True)


@pytest.mark.parametrize(("core_time", "value"), [(ALONE, "spin"), (CROWDED, "sleep")])
def test_threads_wait_as_the_load_lets_them(choices, core_time, value):
    assert choices(rates_of(bf16=3, two_threads=2), core_time)["idle threads"].value == value


def test_a_gpu_has_no_threads_to_choose(choices):
    named = choices(rates_of(bf16=3, two_threads=2, threads=(None,)), name="cuda")
    assert list(named) == ["device", "precision", "muon_precision"]


def test_all_of_it_is_json(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor_speed, "measure_rates", lambda *_, **__: iter(rates_of(bf16=3, two_threads=2)))
    values = json.loads(json.dumps(measure_speed(tmp_path, clock=iter((5.0, 15.0)).__next__).to_json()))
    assert values["seconds"] == 10.0
    assert values["rates"][0] == {
        "what": "matrix product", "value": 100.0, "unit": "GFLOP/s", "number_format": "fp32", "threads": 1,
    }  # fmt: skip
    assert {"name", "value", "reason"} == set(values["choices"][0])
