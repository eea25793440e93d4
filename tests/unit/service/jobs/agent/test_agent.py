"""One instance from its spec to its end, without a server, with hostile programs and data among others."""

import contextlib
import io
import json
import os
import re
import signal
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from naiad.service.agent_process import PROGRAMS
from naiad.service.blobs.port import BlobStore, ObjectInfo
from naiad.service.contract.log_writer import LogWriter
from naiad.service.domain.errors import Invalid
from naiad.service.domain.status import Phase
from naiad.service.jobs.agent.agent import Agent


def s3(uri: str, **more: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated", **more}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": source}}


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]  # reason: files only


THIEF = """
    import os, shutil, sys
    state, ml = os.environ["STATE"], os.environ["SM_MODEL_DIR"] + "/.."
    shutil.rmtree(f"{ml}/output/data")
    os.symlink(state, f"{ml}/output/data")
    os.symlink(f"{state}/keys", f"{ml}/output/failure")
    os.symlink(f"{state}/keys", f"{ml}/output/message")
    os.symlink(f"{state}/keys", f"{ml}/model/keys")
    os.symlink(state, f"{ml}/model/state")
    os.mkfifo(f"{ml}/model/pipe")
    open(f"{ml}/model/weights", "w").write("w")
    os.link(f"{ml}/model/weights", f"{ml}/model/again")
    os.symlink(f"{state}/keys", f"{ml}/checkpoints/keys")
    print(os.path.exists(f"{state}/keys"))
    sys.exit(3)
"""


def test_links_to_the_servers_folder_bring_nothing_of_it(run: Any, stored: Any, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a secret of the server's")
    checkpoints = {"CheckpointConfig": {"S3Uri": "s3://naiad/kept"}}
    done = run(THIEF, Environment={"STATE": str(tmp_path)}, **checkpoints)
    assert done.lines == [
        "False",
        "naiad: not stored, because only regular files are: model/keys, model/pipe, model/state, output/data/.",
    ]
    assert (
        done.report.failure_reason == "AlgorithmError: the program ended with exit status 3; its last line was: False"
    )
    assert done.report.exit_message is None
    objects = stored()
    assert set(objects) == {"source.tar.gz", "out/one/output/model.tar.gz"}
    assert members(objects["out/one/output/model.tar.gz"]) == {"again": b"w", "weights": b"w"}


def test_a_huge_failure_file_is_cut(run: Any) -> None:
    program = """
        import os, sys
        with open(os.environ["SM_OUTPUT_DIR"] + "/failure", "wb") as file:
            file.write(b"it broke ")
            file.truncate(2**40)
        sys.exit(1)
    """
    report = run(program).report
    assert report.phase is Phase.FAILED
    assert report.failure_reason.startswith("it broke")
    assert len(report.failure_reason) <= 1024


def link(name: str, kind: bytes, to: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, to
        tar.addfile(info)
    return out.getvalue()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (link("../../up", tarfile.REGTYPE, ""), "ClientError: the archive names '../../up', which is not below its folder"),
        (link("x", tarfile.SYMTYPE, "/etc"), "ClientError: the archive holds 'x', which is neither a file nor a folder"),
        (b"no archive", "ClientError: the archive cannot be read: "),
    ],
    ids=["up", "link", "nonsense"],
)  # fmt: skip
def test_a_hostile_source_has_a_clear_reason(run: Any, source: bytes, reason: str) -> None:
    report = run(source).report
    assert report.phase is Phase.FAILED
    assert report.failure_reason.startswith(reason)


@pytest.mark.parametrize("key", ["data/a/../b", "data/../../up"])
def test_a_key_that_cannot_be_a_file_name_has_a_clear_reason(run: Any, put: Any, key: str, tmp_path: Path) -> None:
    put({key: b"x"})
    report = run("", InputDataConfig=[s3("s3://naiad/data/")]).report
    name = key.removeprefix("data/")
    assert report.failure_reason == f"ClientError: the key {name!r} cannot be a file's name below train"


def test_checkpoints_are_restored_on_each_instance_and_new_ones_are_stored(run: Any, put: Any, stored: Any) -> None:
    program = """
        import os, pathlib
        folder = pathlib.Path(os.environ["SM_CHECKPOINT_DIR"])
        print(sorted((path.name, path.read_text()) for path in folder.iterdir()))
        (folder / f"of-{os.environ['SM_CURRENT_HOST']}").write_text("new")
    """
    put({"kept/step-1": b"old"})
    config = {"CheckpointConfig": {"S3Uri": "s3://naiad/kept"}}
    done = run(program, index=1, instances=2, **config)
    assert done.lines == ["naiad: 1 checkpoint files were restored", "[('step-1', 'old')]"]
    assert stored()["kept/of-algo-2"] == b"new"


def test_a_program_at_its_time_limit(run: Any, stored: Any) -> None:
    program = """
        import os, time
        open(os.environ["SM_MODEL_DIR"] + "/weights", "w").write("as far as it came")
        time.sleep(600)
    """
    done = run(program, StoppingCondition={"MaxRuntimeInSeconds": 1}, Environment={"NAIAD_STOP_TIMEOUT_S": "5"})
    assert done.report.phase is Phase.MAX_RUNTIME_EXCEEDED
    assert members(stored()["out/one/output/model.tar.gz"]) == {"weights": b"as far as it came"}


def test_output_without_newlines_and_without_text(run: Any) -> None:
    program = """
        import os, sys
        sys.stdout.buffer.write(b"x" * 20_000_000 + b"\\n" + bytes(range(256)))
    """
    done = run(program)
    assert done.report.phase is Phase.COMPLETED
    long = [line for line in done.lines if set(line) == {"x"}]
    assert sum(map(len, long)) == 20_000_000
    assert max(map(len, long)) < 400_000
    assert not any(re.search(r"[\x00-\x08\x0e-\x1f]", line) for line in done.lines)
    assert done.lines[-1].endswith("\ufffd")


def test_without_namespaces_the_variables_have_the_paths(
    run: Any, put: Any, stored: Any, without_namespaces: tuple[str, ...]
) -> None:
    put({"data/a": b"content"})
    program = """
        import os, shutil
        print(os.getcwd() == os.environ["PYTHONPATH"].partition(":")[0], os.environ["SM_MODEL_DIR"].startswith("/opt/ml"))
        shutil.copy(os.environ["SM_CHANNEL_TRAIN"] + "/a", os.environ["SM_MODEL_DIR"])
    """
    done = run(program, InputDataConfig=[s3("s3://naiad/data/")], agent=without_namespaces)
    assert done.report.phase is Phase.COMPLETED, done
    assert done.lines[0] == (
        "naiad: namespaces are not allowed here (unshare: Operation not permitted): the program runs without /opt/ml, "
        "finds its folders in the SM_ variables, and can read the server's folder"
    )
    assert done.lines[-1] == "True False"
    assert members(stored()["out/one/output/model.tar.gz"]) == {"a": b"content"}


def test_a_manifest_and_files_without_compression(run: Any, put: Any, stored: Any) -> None:
    manifest = json.dumps([{"prefix": "s3://naiad/data/"}, "deep/b"]).encode()
    put({"data/a": b"1", "data/deep/b": b"2", "list": manifest})
    program = """
        import os, shutil
        shutil.copytree(os.environ["SM_CHANNEL_TRAIN"], os.environ["SM_MODEL_DIR"], dirs_exist_ok=True)
    """
    done = run(
        program,
        InputDataConfig=[s3("s3://naiad/list", S3DataType="ManifestFile")],
        OutputDataConfig={"S3OutputPath": "s3://naiad/out", "CompressionType": "NONE"},
    )
    assert done.report.phase is Phase.COMPLETED, done
    assert {key: body for key, body in stored().items() if key.startswith("out/")} == {
        "out/one/output/model/deep/b": b"2"
    }


@pytest.mark.parametrize("timeout", ["soon", "-1", "nan", "1e9"])
def test_a_bad_stop_timeout(run: Any, timeout: str) -> None:
    report = run("print('ran')", Environment={"NAIAD_STOP_TIMEOUT_S": timeout}).report
    assert report.failure_reason.startswith(f"ClientError: Environment's NAIAD_STOP_TIMEOUT_S is '{timeout}'")


@dataclass(frozen=True)
class Stalling:
    """A store that gives one block of an object, and then hangs."""

    blobs: BlobStore
    is_stopped: bool
    """Whether SIGTERM comes meanwhile."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.blobs, name)

    def read(self, bucket: str, key: str) -> tuple[ObjectInfo, Iterator[bytes]]:
        return self.blobs.head(bucket, key), self._blocks()

    def _blocks(self) -> Iterator[bytes]:
        yield b"a block"
        if self.is_stopped:
            os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()


@pytest.mark.parametrize(
    ("is_stopped", "limit", "phase"),
    [(True, {}, Phase.STOPPED), (False, {"MaxRuntimeInSeconds": 1}, Phase.MAX_RUNTIME_EXCEEDED)],
)
def test_a_download_is_interrupted_by_a_stop_and_by_the_time_limit(
    spec_of: Any, put: Any, blobs: BlobStore, tmp_path: Path, is_stopped: bool, limit: dict[str, int], phase: Phase
) -> None:
    put({"data/large": b"content"})
    spec = spec_of({"InputDataConfig": [s3("s3://naiad/data/")], "StoppingCondition": limit})
    folder = spec.instance.folder
    for name in ("ml", "tmp", "work"):
        (folder / name).mkdir(parents=True)
    agent = Agent(spec, Stalling(blobs, is_stopped), LogWriter(folder), PROGRAMS)  # type: ignore[arg-type]  # reason: __getattr__ has the other methods

    def stop(*_: object) -> None:
        agent.is_stop_requested = True

    before = signal.signal(signal.SIGTERM, stop)
    try:
        agent.run()
    finally:
        signal.signal(signal.SIGTERM, before)
        agent.log.close()
    assert agent.report.phase is phase
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*"))


def test_the_files_of_a_lost_attempt_are_removed(spec_of: Any, blobs: BlobStore) -> None:
    first = spec_of({}).instance.folder
    (first / "ml").mkdir(parents=True)
    (first / "log").touch()
    spec = spec_of({"InputDataConfig": [s3("s3://naiad/none/")]})
    second = replace(spec, instance=replace(spec.instance, attempt=2, folder=first.parents[1] / "2" / "algo-1"))
    (second.instance.folder / "ml").mkdir(parents=True)
    agent = Agent(second, blobs, LogWriter(second.instance.folder), PROGRAMS)
    with contextlib.closing(agent.log), pytest.raises(Invalid, match="there is no object"):
        agent.run()
    assert not (first / "ml").exists()
    assert (first / "log").is_file()
