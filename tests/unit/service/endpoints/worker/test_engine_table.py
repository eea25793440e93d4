import json
from pathlib import Path

from naiad.service.endpoints.worker.engine_table import (
    EngineMeasurement,
    add_row,
    choose_engine,
    failure_row,
    format_table,
    make_table,
    read_table,
    write_table,
)


def measurement(
    name: str, latency_us: float, *, agrees: bool = True, memory_mb: float = 100, rates: tuple[float, ...] = (1, 5, 9)
) -> EngineMeasurement:
    return EngineMeasurement(
        name, agrees=agrees, latency_us=latency_us, samples_per_s=rates, memory_mb=memory_mb, difference=0.5
    )


def test_the_fastest_engine_that_agrees_is_chosen():
    choice = choose_engine([measurement("a", 10, agrees=False), measurement("b", 30), measurement("c", 20)])
    assert (choice.chosen, choice.max_batch_size) == ("c", 32)


def test_of_two_equally_fast_engines_the_smaller_is_chosen():
    large, small = measurement("a", 20, memory_mb=500), measurement("b", 20.5, memory_mb=60)
    assert choose_engine([large, small]).chosen == "b"
    assert choose_engine([large, measurement("b", 22, memory_mb=60)]).chosen == "a"


def test_the_batch_size_is_no_larger_than_useful():
    assert choose_engine([measurement("a", 20, rates=(95, 100, 98))]).max_batch_size == 1
    assert choose_engine([measurement("a", 20, rates=(50, 95, 100))]).max_batch_size == 8


def test_no_engine_is_chosen_when_none_agrees():
    choice = choose_engine([measurement("a", 10, agrees=False), EngineMeasurement("b", error="it broke")])
    assert choice.chosen is None
    assert "a: differs by 0.5; b: it broke" in choice.reason


def test_lines_for_the_log():
    table = make_table([measurement("onnxruntime", 10)], ["torch"])
    first, second, last = format_table(table)
    assert first.startswith("engine onnxruntime    10 µs a sample, 1, 5, 9 samples/s in batches of 1, 8, 32; agrees")
    assert second == "engine torch          is measured when replicas answer: another engine agrees already"
    assert last == "engine chosen: onnxruntime, the only one that agrees; at most 32 at once"


def test_a_failure_is_a_row():
    table = make_table([measurement("onnxruntime", 10)], ["torch"])
    complete = add_row(table, failure_row("torch", "took longer than 120 s"))
    assert "engine torch          took longer than 120 s" in format_table(complete)
    assert (complete["unmeasured"], complete["chosen"]) == ([], "onnxruntime")


def test_a_table_is_written_and_read(tmp_path: Path):
    table = json.loads(json.dumps(make_table([measurement("torch", 10)], [])))
    write_table(tmp_path, table)
    assert read_table(tmp_path) == table


def test_the_table_of_an_earlier_version_is_read(tmp_path: Path):
    (tmp_path / "engines.json").write_text('{"rows": [], "chosen": "torch", "most_samples": 8}')
    assert read_table(tmp_path) == {"rows": [], "chosen": "torch", "max_batch_size": 8}
