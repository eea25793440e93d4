import errno
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from naiad.service.domain.errors import StorageFull
from naiad.service.domain.job import JobKind
from naiad.service.domain.scope import Creator, parse_limit
from naiad.service.domain.status import Phase
from naiad.service.executors.instance_files import (
    read_process,
    read_report,
    read_spec,
    take_environment,
    translate_disk_full,
    write_environment,
    write_json,
    write_process,
    write_report,
    write_spec,
)
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec
from naiad.service.executors.process import Process


@pytest.fixture
def spec(tmp_path: Path) -> InstanceSpec:
    return InstanceSpec(
        instance=Instance(JobKind.PROCESSING, "one", 2, 1, tmp_path),
        arn="arn:aws:sagemaker:us-east-1:000000000000:processing-job/one",
        request={"ProcessingJobName": "one", "Environment": {"Ü": "1"}},
        hosts=("algo-1", "algo-2"),
        cpus=(0, 3),
        memory_bytes=2**30,
        region="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        access_key="A",
        secret_key="S",
        blobs_url=str(tmp_path / "blobs"),
        cache_folder=tmp_path / "cache",
        gpus=(1,),
        creator=Creator("K", (parse_limit("s3://photos/cats"),)),
    )


def test_the_hosts_of_a_node_are_read_as_they_were_written(spec: InstanceSpec, tmp_path: Path) -> None:
    placed = replace(spec, node_hosts=("algo-2",))
    write_spec(placed)
    assert read_spec(tmp_path) == placed
    assert not placed.is_on_one_node
    assert spec.is_on_one_node


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_spec_is_read_as_it_was_written(spec: InstanceSpec, tmp_path: Path) -> None:
    write_spec(spec)
    assert read_spec(tmp_path) == spec
    assert mode(tmp_path / "spec.json") == 0o600


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_report(tmp_path, alive=True) is None
    report = InstanceReport(Phase.FAILED, alive=True, message="m", failure_reason="f", metrics={"loss": 0.5})
    write_report(tmp_path, report)
    assert read_report(tmp_path, alive=True) == report
    of_dead_agent = read_report(tmp_path, alive=False)
    assert of_dead_agent is not None
    assert not of_dead_agent.alive


STORED_SPEC = {
    "instance": {"kind": "processing-job", "job_name": "one", "attempt": 2, "index": 1, "folder": "FOLDER"},
    "arn": "arn:aws:sagemaker:us-east-1:000000000000:processing-job/one",
    "request": {"ProcessingJobName": "one", "Environment": {"Ü": "1"}},
    "hosts": ["algo-1", "algo-2"],
    "cpus": [0, 3],
    "memory_bytes": 2**30,
    "region": "us-east-1",
    "endpoint_url": "http://127.0.0.1:1",
    "access_key": "A",
    "secret_key": "S",
    "blobs_url": "BLOBS",
    "cache_folder": "CACHE",
    "gpus": [1],
}
"""spec.json as versions before the walls of programs have written it."""
NEW_IN_SPEC = {"run_as_root": False, "network": "host", "node_hosts": [], "creator": None, "seconds_before": 0.0}


def test_the_spec_of_every_version_is_read(spec: InstanceSpec, tmp_path: Path) -> None:
    paths = {"blobs_url": str(tmp_path / "blobs"), "cache_folder": str(tmp_path / "cache")}
    stored = {**STORED_SPEC, "instance": {**STORED_SPEC["instance"], "folder": str(tmp_path)}, **paths}  # type: ignore[dict-item]
    (tmp_path / "spec.json").write_text(json.dumps(stored))
    spec = replace(spec, creator=None)
    assert read_spec(tmp_path) == spec
    write_spec(spec)
    assert json.loads((tmp_path / "spec.json").read_text()) == {**stored, **NEW_IN_SPEC}


def test_the_identity_of_a_process_is_stored_in_the_format_of_every_version(tmp_path: Path) -> None:
    assert read_process(tmp_path / "agent.json") is None
    write_process(tmp_path / "agent.json", Process(7, "1234", "a-boot"))
    assert json.loads((tmp_path / "agent.json").read_text()) == {"pid": 7, "started": "1234", "boot": "a-boot"}
    assert read_process(tmp_path / "agent.json") == Process(7, "1234", "a-boot")


def test_the_environment_is_taken_once(tmp_path: Path) -> None:
    write_environment(tmp_path, {"AWS_SECRET_ACCESS_KEY": "secret"})
    assert mode(tmp_path / "environment.json") == 0o600
    assert take_environment(tmp_path) == {"AWS_SECRET_ACCESS_KEY": "secret"}
    assert not list(tmp_path.iterdir())


def test_a_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "x.json").touch(mode=0o644)
    write_json(tmp_path / "x.json", {"a": 1})
    assert mode(tmp_path / "x.json") == 0o600


def test_a_killed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half-written file is not read, and does not disturb the next write."""
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    monkeypatch.setattr("os.fsync", _kill)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
    monkeypatch.undo()
    write_json(path, {"a": 3})
    assert json.loads(path.read_text()) == {"a": 3}
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]


def _kill(_: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("values", [{"a": object()}, {"a": {1, 2}}])
def test_values_that_are_not_json_leave_the_file_as_it_was(tmp_path: Path, values: dict[str, object]) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", values)
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 1}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_reported_as_storage_full(number: int) -> None:
    with (
        pytest.raises(StorageFull, match="no room is left on the disk for the log; free some"),
        translate_disk_full("the log"),
    ):
        raise OSError(number, "full")


def test_other_errors_of_a_disk_are_not_changed() -> None:
    with pytest.raises(PermissionError), translate_disk_full("the log"):
        raise PermissionError(errno.EACCES, "closed")
