"""``naiad doctor --speed``, with figures instead of ten seconds of measuring."""

import json

import pytest

from naiad.cli.main import main
from naiad.trainer import doctor_speed
from naiad.trainer.doctor_speed import LikelyChoice, MachineSpeed
from naiad.trainer.machine.speed import Rate

MEASURED = MachineSpeed(
    (Rate("convolution", 123.4, "GFLOP/s", "fp32", 2), Rate("disk write", 250.0, "MB/s")),
    (LikelyChoice("threads", "2", "the faster"),),
    9.5,
)


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    monkeypatch.setattr(doctor_speed, "measure_speed", lambda _: MEASURED)


def test_the_tables_have_rates_and_choices(capsys):
    assert main(["doctor", "--speed"]) == 0
    output = capsys.readouterr()
    for words in ("convolution", "fp32", "123 GFLOP/s", "disk write", "250 MB/s", "threads", "the faster"):
        assert words in output.out
    assert "ten seconds" in output.err


def test_json_has_the_numbers(capsys):
    assert main(["doctor", "--speed", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["rates"][0]["value"] == 123.4
    assert values["choices"] == [{"name": "threads", "value": "2", "reason": "the faster"}]
