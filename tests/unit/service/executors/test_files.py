import errno
import json
import stat
from pathlib import Path

import pytest

from naiad.service.domain.errors import StorageFull
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.files import read_report, read_spec, room_for, write_json, write_report, write_spec
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec


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
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_order_comes_back_as_it_was(spec: InstanceSpec, tmp_path: Path) -> None:
    write_spec(spec)
    assert read_spec(tmp_path) == spec
    assert mode(tmp_path / "spec.json") == 0o600


def test_a_report_comes_back_as_it_was(tmp_path: Path) -> None:
    assert read_report(tmp_path, alive=True) is None
    report = InstanceReport(Phase.FAILED, alive=True, message="m", failure_reason="f", metrics={"loss": 0.5})
    write_report(tmp_path, report)
    assert read_report(tmp_path, alive=True) == report
    known = read_report(tmp_path, alive=False)
    assert known is not None
    assert not known.alive


def test_a_file_that_was_open_to_all_is_not(tmp_path: Path) -> None:
    (tmp_path / "x.json").touch(mode=0o644)
    write_json(tmp_path / "x.json", {"a": 1})
    assert mode(tmp_path / "x.json") == 0o600


def test_a_reader_sees_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kill leaves half-written is not read, and does not hold up the next one."""
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    monkeypatch.setattr("os.fsync", _killed)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
    monkeypatch.undo()
    write_json(path, {"a": 3})
    assert json.loads(path.read_text()) == {"a": 3}
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]


def _killed(_: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("values", [{"a": object()}, {"a": {1, 2}}])
def test_what_is_no_json_leaves_the_file_as_it_was(tmp_path: Path, values: dict[str, object]) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", values)
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 1}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such(number: int) -> None:
    with pytest.raises(StorageFull, match="no room is left on the disk for the log; free some"), room_for("the log"):
        raise OSError(number, "full")


def test_other_trouble_with_a_disk_is_told_as_it_is() -> None:
    with pytest.raises(PermissionError), room_for("the log"):
        raise PermissionError(errno.EACCES, "closed")
