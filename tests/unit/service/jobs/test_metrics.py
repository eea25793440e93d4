import datetime as dt
from pathlib import Path

import pytest

from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.instance_files import write_report
from naiad.service.executors.port import Instance, InstanceReport
from naiad.service.jobs.metrics import final_metrics, metric_files, put_metrics_file, read_metrics
from naiad.service.metric_points import MetricPoint, append_points


def make_instance(folder: Path) -> Instance:
    instance = Instance(JobKind.TRAINING, "one", 1, 0, folder / "one" / "1" / "algo-1")
    instance.folder.mkdir(parents=True)
    return instance


def at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def test_the_last_value_of_each_name_from_agents_and_programs(tmp_path: Path) -> None:
    instance = make_instance(tmp_path)
    lines = ['{"name": "loss", "value": 2, "time": 10}', '{"name": "loss", "value": 1.5, "time": 20.5}', '{"name": "lo']
    (instance.folder / "metrics.jsonl").write_text("\n".join(lines))
    points = [MetricPoint("acc", 0.5, at(5)), MetricPoint("loss", 9.0, at(1))]
    append_points(put_metrics_file(tmp_path / "one"), points, owner="a job")
    assert final_metrics((instance,)) == (MetricPoint("acc", 0.5, at(5)), MetricPoint("loss", 1.5, at(20.5)))
    assert len(list(read_metrics(metric_files((instance,))))) == 4


def test_a_metric_that_stopped_long_before_the_end_comes_from_the_report(tmp_path: Path) -> None:
    instance = make_instance(tmp_path)
    line = '{"name": "loss", "value": 1, "time": 20}\n'
    (instance.folder / "metrics.jsonl").write_text('{"name": "acc", "value": 0.9, "time": 10}\n' + line * 8_000)
    write_report(
        instance.folder, InstanceReport(Phase.UPLOADING, alive=True, metrics={"acc": (0.9, 10), "loss": (3, 19)})
    )
    assert final_metrics((instance,)) == (MetricPoint("acc", 0.9, at(10)), MetricPoint("loss", 1.0, at(20)))


def test_reports_of_versions_without_times_are_skipped(tmp_path: Path) -> None:
    instance = make_instance(tmp_path)
    write_report(instance.folder, InstanceReport(Phase.COMPLETED, alive=False, metrics={"acc": 0.9}))  # type: ignore[dict-item]  # reason: the old format
    assert final_metrics((instance,)) == ()


def test_a_job_without_metrics(tmp_path: Path) -> None:
    assert final_metrics(()) == ()
    assert final_metrics((make_instance(tmp_path),)) == ()


@pytest.mark.parametrize(
    "line", ["[]", "1", '{"name": 1, "value": 1, "time": 1}', '{"name": "a", "value": 1, "time": NaN}', "\x00"]
)
def test_malformed_lines_are_skipped(tmp_path: Path, line: str) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text(f"{line}\n")
    assert list(read_metrics([file])) == []
