"""Hostile content of jobs: each is refused with one clear reason, and the server serves on."""

import gzip
import io
import signal
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest


def special(kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, link
    return info


def zeros(count_mib: int) -> bytes:
    """A source archive of so many MiB, packed."""
    out, info = io.BytesIO(), tarfile.TarInfo("zeros")
    info.size = count_mib * 2**20
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
        file.write(info.tobuf())
        for _ in range(count_mib):
            file.write(bytes(2**20))
    return out.getvalue()


def test_sources_that_want_more_than_to_be_extracted(jobs: Any, archive: Any) -> None:
    sources = {
        "upwards": archive({"../../up": b"x"}),
        "absolute": archive({"/etc/naiad-was-here": b"x"}),
        "link": archive({"train.py": special(tarfile.SYMTYPE, "/etc/passwd")}),
        "hard-link": archive({"train.py": special(tarfile.LNKTYPE, "/etc/passwd")}),
        "device": archive({"train.py": special(tarfile.CHRTYPE)}),
        "pipe": archive({"train.py": special(tarfile.FIFOTYPE)}),
        "cut": archive({"train.py": b"print(1)" * 1000})[:80],
        "no-archive": b"not an archive",
        "bomb": zeros(300),
    }
    begun = [jobs.source(name, content) for name, content in sources.items()]
    reasons = {name: jobs.failed(name) for name in begun}
    assert all(reason.startswith("ClientError: the archive ") for reason in reasons.values()), reasons
    assert not any(str(jobs.server.state) in reason for reason in reasons.values()), reasons
    assert all("\n" not in reason for reason in reasons.values())
    assert not Path("/etc/naiad-was-here").exists()
    assert not [path for path in jobs.server.files("jobs") if path.name == "up"]


def test_objects_whose_keys_are_no_names_of_files(jobs: Any, channel: Any, manifest: Any) -> None:
    jobs.put(
        {
            "twice/a//b": b"1",
            "dots/../x": b"1",
            "both/a": b"1",
            "both/a/b": b"1",
            f"long/{'n' * 300}": b"1",
            "lists/up": manifest("lists/", "../../up"),
            "lists/absolute": manifest("lists/", "/etc/passwd"),
            "lists/none": manifest("lists/", "absent"),
            "lists/text": b"not a manifest",
        }
    )
    asked = {
        **{f"key-{place}": channel("train", f"{place}/") for place in ("twice", "dots", "both", "long", "nothing")},
        **{
            f"list-{name}": channel("train", f"lists/{name}", "ManifestFile")
            for name in ("up", "absolute", "none", "text", "absent")
        },
    }
    begun = [jobs.shell(name, "true", InputDataConfig=[given]) for name, given in asked.items()]
    reasons = {name: jobs.failed(name) for name in begun}
    assert all(reason.startswith("ClientError: ") for reason in reasons.values()), reasons
    assert not any(str(jobs.server.state) in reason for reason in reasons.values()), reasons


def test_archives_in_channels_stay_archives(jobs: Any, channel: Any, archive: Any) -> None:
    jobs.put({"archives/data.tar.gz": archive({"../up": b"x"}), "archives/data.zip": b"PK"})
    name = jobs.shell("archives", "ls -x $SM_CHANNEL_TRAIN", InputDataConfig=[channel("train", "archives/")])
    assert jobs.completed(name) == ["data.tar.gz  data.zip"]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("program-up", {"sagemaker_program": "../../../../../../etc/passwd"}),
        ("program-number", {"sagemaker_program": "5"}),
        ("program-nul", {"sagemaker_program": '"train.py\\u0000"'}),
        ("value-nul", {"lr": '"a\\u0000b"'}),
        ("source-elsewhere", {"sagemaker_submit_directory": "file:///etc"}),
        ("source-up", {"sagemaker_submit_directory": "/opt/ml/../../etc"}),
    ],
)
def test_hyperparameters_that_no_program_can_have(jobs: Any, archive: Any, name: str, given: dict[str, str]) -> None:
    reason = jobs.failed(jobs.source(name, archive({"train.py": b"print(1)"}), HyperParameters=given))
    assert reason.startswith("ClientError: "), reason


def test_where_namespaces_are_refused_programs_run_by_their_variables(
    own_jobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuses = tmp_path / "bin" / "unshare"
    refuses.parent.mkdir()
    refuses.write_text("#!/bin/sh\nexit 1\n")
    refuses.chmod(refuses.stat().st_mode | stat.S_IXUSR)
    assert own_jobs.server.end(signal.SIGTERM) == 0
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(refuses.parent), prepend=":")
        own_jobs.server.start()
    image = {"TrainingImage": "any/image", "TrainingInputMode": "File", "ContainerEntrypoint": ["/no/such"]}
    absent = own_jobs.begin("open-absent", AlgorithmSpecification=image)
    assert own_jobs.failed(absent) == "ClientError: the program '/no/such' cannot be started: No such file or directory"
    said = own_jobs.completed(own_jobs.shell("open", 'echo "$SM_MODEL_DIR"; echo w > "$SM_MODEL_DIR/w"'))
    assert said[0].startswith(
        "naiad: namespaces are refused here: the program runs without /opt/ml, by its SM_ variables"
    )
    assert said[1].startswith(f"{own_jobs.server.state}/jobs/")
    assert own_jobs.packed("out/open/output/model.tar.gz") == {"w": b"w\n"}
