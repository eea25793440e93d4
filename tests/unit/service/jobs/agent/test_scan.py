import json
from pathlib import Path

import pytest

from naiad.service.jobs.agent.scan import OF_TRAINER, Scanner
from naiad.service.jobs.metrics import FILE


def values(scanner: Scanner) -> dict[str, float]:
    return {name: value for name, (value, _) in scanner.last.items()}


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
def test_a_value_in_a_line(tmp_path: Path, regex: str, line: str, value: float | None) -> None:
    scanner = Scanner([{"Name": "m", "Regex": regex}], tmp_path, print)
    scanner.line(line)
    scanner.close()
    assert values(scanner) == ({} if value is None else {"m": value})


def test_each_value_is_kept_with_its_time(tmp_path: Path) -> None:
    scanner = Scanner([{"Name": "m", "Regex": "m=([0-9]+)"}], tmp_path, print)
    for number in (1, 2):
        scanner.line(f"m={number}")
    scanner.close()
    kept = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert [point["value"] for point in kept] == [1, 2]
    assert kept[0]["time"] <= kept[1]["time"]
    assert scanner.last == {"m": (2, kept[1]["time"])}


def test_a_regex_that_takes_for_ever_is_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    definitions = [{"Name": "slow", "Regex": "(a+)+$"}, {"Name": "m", "Regex": "m=([0-9]+)"}]
    scanner = Scanner(definitions, tmp_path, said.append)
    for _ in range(2):
        scanner.line(f"{'a' * 60}b m=7")
    scanner.close()
    assert said == ["the Regex of the metric 'slow' takes too long on a line, and is not used any more"]
    assert values(scanner) == {"m": 7}


def test_without_definitions_nothing_is_written(tmp_path: Path) -> None:
    scanner = Scanner((), tmp_path, print)
    scanner.line("loss: 1")
    scanner.close()
    assert not list(tmp_path.iterdir())


def test_what_the_trainer_writes(tmp_path: Path) -> None:
    scanner = Scanner(OF_TRAINER, tmp_path, print)
    scanner.line("epoch 001/010 | train loss 0.71 | validation loss 0.52 | validation accuracy 0.81")
    scanner.close()
    assert values(scanner) == {"train:loss": 0.71, "validation:loss": 0.52, "validation:accuracy": 0.81}
