import json
from pathlib import Path

import pytest

from naiad.service.jobs.agent.metric_scanner import TRAINER_DEFINITIONS, MetricScanner
from naiad.service.jobs.metrics import METRICS_FILE


def values(scanner: MetricScanner) -> dict[str, float]:
    return {name: value for name, (value, _) in scanner.last_values.items()}


@pytest.mark.parametrize(
    ("regex", "line", "value"),
    [
        ("loss: ([0-9.]+)", "step 3 loss: 0.25 rate 1", 0.25),
        ("loss: [0-9.]+", "loss: 0.5", 0.5),
        ("loss=(.*?);", "loss=-1.5e-3;", -0.0015),
        ("loss=(.*?);", "loss=nan;", None),
        ("loss: ([0-9.]+)", "accuracy: 1", None),
        ("loss (1)|rate", "rate 5", None),
        ("loss=(.*)", "loss=1e999", None),
        ("end (1)", "x" * 5_000 + " end 1", None),
    ],
)
def test_the_value_in_a_line(tmp_path: Path, regex: str, line: str, value: float | None) -> None:
    scanner = MetricScanner([{"Name": "m", "Regex": regex}], tmp_path, print)
    scanner.scan(line)
    scanner.close()
    assert values(scanner) == ({} if value is None else {"m": value})


def test_each_value_is_written_with_its_time(tmp_path: Path) -> None:
    scanner = MetricScanner([{"Name": "m", "Regex": "m=([0-9]+)"}], tmp_path, print)
    for number in (1, 2):
        scanner.scan(f"m={number}")
    scanner.close()
    points = [json.loads(line) for line in (tmp_path / METRICS_FILE).read_text().splitlines()]
    assert [point["value"] for point in points] == [1, 2]
    assert points[0]["time"] <= points[1]["time"]
    assert scanner.last_values == {"m": (2, points[1]["time"])}


def test_a_regex_that_takes_too_long_is_not_used_any_more(tmp_path: Path) -> None:
    messages: list[str] = []
    definitions = [{"Name": "slow", "Regex": "(a+)+$"}, {"Name": "m", "Regex": "m=([0-9]+)"}]
    scanner = MetricScanner(definitions, tmp_path, messages.append)
    for _ in range(2):
        scanner.scan(f"{'a' * 60}b m=7")
    scanner.close()
    assert messages == ["the Regex of the metric 'slow' takes too long for a line, and is not used any more"]
    assert values(scanner) == {"m": 7}


def test_without_definitions_nothing_is_written(tmp_path: Path) -> None:
    scanner = MetricScanner((), tmp_path, print)
    scanner.scan("loss: 1")
    scanner.close()
    assert not list(tmp_path.iterdir())


def test_the_output_of_the_trainer(tmp_path: Path) -> None:
    scanner = MetricScanner(TRAINER_DEFINITIONS, tmp_path, print)
    scanner.scan("epoch 001/010 | train loss 0.71 | validation loss 0.52 | validation accuracy 0.81")
    scanner.close()
    assert values(scanner) == {"train:loss": 0.71, "validation:loss": 0.52, "validation:accuracy": 0.81}
