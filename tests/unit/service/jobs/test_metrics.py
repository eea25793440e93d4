import datetime as dt
from pathlib import Path

import pytest

from naiad.service.domain.errors import DoesNotFit
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.files import write_report
from naiad.service.executors.port import Instance, InstanceReport
from naiad.service.jobs.metrics import Point, append_points, final_points, metric_files, put_file, read_points


def instance(folder: Path) -> Instance:
    made = Instance(JobKind.TRAINING, "one", 1, 0, folder / "one" / "1" / "algo-1")
    made.folder.mkdir(parents=True)
    return made


def at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def test_the_last_value_of_each_name_from_agents_and_programs(tmp_path: Path) -> None:
    one = instance(tmp_path)
    lines = ['{"name": "loss", "value": 2, "time": 10}', '{"name": "loss", "value": 1.5, "time": 20.5}', '{"name": "lo']
    (one.folder / "metrics.jsonl").write_text("\n".join(lines))
    append_points(put_file(tmp_path / "one"), [Point("acc", 0.5, at(5)), Point("loss", 9.0, at(1))])
    assert final_points((one,)) == (Point("acc", 0.5, at(5)), Point("loss", 1.5, at(20.5)))
    assert len(list(read_points(metric_files((one,))))) == 4


def test_a_metric_that_ceased_long_before_the_end_is_in_the_report(tmp_path: Path) -> None:
    one = instance(tmp_path)
    line = '{"name": "loss", "value": 1, "time": 20}\n'
    (one.folder / "metrics.jsonl").write_text('{"name": "acc", "value": 0.9, "time": 10}\n' + line * 8_000)
    write_report(one.folder, InstanceReport(Phase.UPLOADING, alive=True, metrics={"acc": (0.9, 10), "loss": (3, 19)}))
    assert final_points((one,)) == (Point("acc", 0.9, at(10)), Point("loss", 1.0, at(20)))


def test_a_report_of_before_the_times_were_in_it_is_none(tmp_path: Path) -> None:
    one = instance(tmp_path)
    write_report(one.folder, InstanceReport(Phase.COMPLETED, alive=False, metrics={"acc": 0.9}))  # type: ignore[dict-item]  # reason: as it was
    assert final_points((one,)) == ()


def test_nothing_reported_is_nothing(tmp_path: Path) -> None:
    assert final_points(()) == ()
    assert final_points((instance(tmp_path),)) == ()


@pytest.mark.parametrize(
    "line", ["[]", "1", '{"name": 1, "value": 1, "time": 1}', '{"name": "a", "value": 1, "time": NaN}', "\x00"]
)
def test_what_is_no_point_is_passed_over(tmp_path: Path, line: str) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text(f"{line}\n")
    assert list(read_points([file])) == []


def test_a_program_cannot_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("naiad.service.jobs.metrics._MAX_PUT_BYTES", 100)
    file = tmp_path / "put-metrics.jsonl"
    append_points(file, [Point("a", 1.0, at(1))] * 10)
    with pytest.raises(DoesNotFit, match="send fewer"):
        append_points(file, [Point("a", 1.0, at(1))])
