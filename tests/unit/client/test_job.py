import io
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import naiad
from naiad.client.connection import connect
from naiad.client.job import JobHandle, find_model_uri
from naiad.errors import ArchiveError, FolderError, TrainingError
from naiad.service.domain.status import Phase
from naiad.trainer.loop.progress import SilentProgress


@pytest.fixture
def job(service: Any) -> JobHandle:
    """Returns a job that runs."""
    service.create("one")
    service.tick()
    return connect().job("one")


def put_model(service: Any, folder: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False)
    service.client("s3").put_object(Bucket="naiad", Key="one/output/model.tar.gz", Body=archive.getvalue())


def test_wait_passes_on_lines_while_the_job_runs(service: Any, job: JobHandle) -> None:
    service.log("one", "first")
    lines: list[str] = []
    first_line = threading.Event()

    def each(line: str) -> None:
        lines.append(line)
        first_line.set()

    def end() -> None:
        first_line.wait(30)
        service.log("one", "last")
        service.finish("one")

    ending = threading.Thread(target=end)
    ending.start()
    assert job.wait(timeout_s=30, each=each) is job
    ending.join()
    assert lines == ["first", "last"]
    assert job.status == "Completed"


def test_a_failure_is_raised_with_its_reason(service: Any, job: JobHandle) -> None:
    service.finish("one", Phase.FAILED, "AlgorithmError: ValueError: no (train.py, line 3)")
    with pytest.raises(TrainingError, match=r"job one failed: AlgorithmError: ValueError: no \(train.py, line 3\)"):
        job.wait()


def test_wait_raises_when_the_time_is_over(job: JobHandle) -> None:
    with pytest.raises(TrainingError, match=r"has not ended within 0\.01 s"):
        job.wait(timeout_s=0.01)


def test_there_are_no_logs_before_the_first_line(service: Any) -> None:
    service.create("one")
    assert list(connect().job("one").logs()) == []


def test_logs_up_to_a_deadline(service: Any, job: JobHandle) -> None:
    service.log("one", "so far")
    assert list(job.logs(follow=True, deadline=time.monotonic())) == ["so far"]


def test_stop_may_be_called_twice(service: Any, job: JobHandle) -> None:
    job.stop()
    service.tick(3)
    job.stop()
    assert job.status == "Stopped"
    assert job.wait() is job


def test_the_model_is_downloaded_and_loaded(service: Any, job: JobHandle, tmp_path: Path) -> None:
    X = np.random.default_rng(0).random((60, 3)).astype(np.float32)
    out = tmp_path / "run"
    naiad.fit("mlp", (X, (X[:, 0] > 0.5).astype(int)), epochs=1, out=out, report=False, progress=SilentProgress())
    put_model(service, out)
    service.finish("one")
    model = job.model(tmp_path / "kept")
    assert len(model.predict(X[:2]).labels) == 2
    assert (tmp_path / "kept" / "naiad.json").is_file()
    with pytest.raises(FolderError, match="is not empty"):
        job.model(tmp_path / "kept")


def test_a_job_without_a_model_says_so(service: Any, job: JobHandle) -> None:
    job.stop()
    service.tick(3)
    with pytest.raises(TrainingError, match="job one has left no model: it is Stopped") as caught:
        job.model()
    assert caught.value.hint == "see what it wrote: naiad jobs logs one"


def test_a_model_that_was_not_packed(service: Any) -> None:
    store = service.client("s3")
    described = {"ModelArtifacts": {"S3ModelArtifacts": "s3://naiad/one/output/model/"}}
    assert find_model_uri(described, store) is None
    store.put_object(Bucket="naiad", Key="one/output/model/weights", Body=b"x")
    assert find_model_uri(described, store) == "s3://naiad/one/output/model/"
    assert find_model_uri({"ModelArtifacts": {"S3ModelArtifacts": "s3://none/model.tar.gz"}}, store) is None
    assert find_model_uri({}, store) is None


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


@pytest.mark.parametrize(
    "members",
    [
        [tarfile.TarInfo("../beside")],
        [link("out", ".."), tarfile.TarInfo("out/beside")],
        [link("inside", "/etc/passwd")],
    ],
    ids=["path", "through a link", "link"],
)
def test_an_archive_cannot_write_outside_its_folder(
    service: Any, job: JobHandle, tmp_path: Path, members: list[tarfile.TarInfo]
) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO())
    service.client("s3").put_object(Bucket="naiad", Key="one/output/model.tar.gz", Body=archive.getvalue())
    service.finish("one")
    with pytest.raises(ArchiveError):
        job.model(tmp_path / "deep" / "kept")
    assert not list((tmp_path / "deep").glob("beside"))
    assert not list((tmp_path / "deep" / "kept").iterdir())
