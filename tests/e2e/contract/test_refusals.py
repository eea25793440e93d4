"""Hostile content of jobs: each is refused with a clear reason, and the server keeps serving."""

import gzip
import io
import signal
import tarfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError


def special(kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, link
    return info


def zeros(count_mib: int) -> bytes:
    """Returns a compressed source archive that holds so many MiB of zeros."""
    out, info = io.BytesIO(), tarfile.TarInfo("zeros")
    info.size = count_mib * 2**20
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
        file.write(info.tobuf())
        for _ in range(count_mib):
            file.write(bytes(2**20))
    return out.getvalue()


WITHOUT_NAMESPACES = (
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    *('echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh"),
)


@pytest.mark.parametrize(
    "names",
    [
        ("upwards", "link", "bomb"),
        pytest.param(("absolute", "hard-link", "device", "pipe", "cut", "no-archive"), marks=pytest.mark.slow),
    ],
)
def test_hostile_source_archives(jobs: Any, archive: Any, names: tuple[str, ...]) -> None:
    """tests/unit/service/contract/test_archive.py has each of them without a job."""
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
    for name in names:
        jobs.source(name, sources[name])
    reasons = {name: jobs.failed(name) for name in names}
    assert all(reason.startswith("ClientError: the archive ") for reason in reasons.values()), reasons
    assert not any(str(jobs.server.state) in reason for reason in reasons.values()), reasons
    assert all("\n" not in reason for reason in reasons.values())
    assert not Path("/etc/naiad-was-here").exists()
    assert not [path for path in jobs.server.files("jobs") if path.name == "up"]


@pytest.mark.parametrize(
    ("prefixes", "lists"),
    [
        (("dots",), ("up", "none")),
        pytest.param(("both", "long"), ("absolute", "text"), marks=pytest.mark.slow),
    ],
)
def test_keys_that_cannot_be_file_names(
    jobs: Any, channel: Any, manifest: Any, prefixes: tuple[str, ...], lists: tuple[str, ...]
) -> None:
    jobs.put(
        {
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
    channels = {
        **{f"key-{prefix}": channel("train", f"{prefix}/") for prefix in prefixes},
        **{f"list-{name}": channel("train", f"lists/{name}", "ManifestFile") for name in lists},
    }
    names = [jobs.shell(name, "true", InputDataConfig=[config]) for name, config in channels.items()]
    reasons = {name: jobs.failed(name) for name in names}
    assert all(reason.startswith("ClientError: ") for reason in reasons.values()), reasons
    assert not any(str(jobs.server.state) in reason for reason in reasons.values()), reasons


def test_archives_in_channels_are_not_extracted(jobs: Any, channel: Any, archive: Any) -> None:
    jobs.put({"archives/data.tar.gz": archive({"../up": b"x"}), "archives/data.zip": b"PK"})
    name = jobs.shell("archives", "ls -x $SM_CHANNEL_TRAIN", InputDataConfig=[channel("train", "archives/")])
    assert jobs.completed(name) == ["data.tar.gz  data.zip"]


@pytest.mark.parametrize(
    ("name", "hyperparameters"),
    [
        ("program-up", {"sagemaker_program": "../../../../../../etc/passwd"}),
        ("value-nul", {"lr": '"a\\u0000b"'}),
        pytest.param("program-number", {"sagemaker_program": "5"}, marks=pytest.mark.slow),
        pytest.param("program-nul", {"sagemaker_program": '"train.py\\u0000"'}, marks=pytest.mark.slow),
        pytest.param("source-elsewhere", {"sagemaker_submit_directory": "file:///etc"}, marks=pytest.mark.slow),
        pytest.param("source-up", {"sagemaker_submit_directory": "/opt/ml/../../etc"}, marks=pytest.mark.slow),
    ],
)
def test_bad_hyperparameters_are_refused(jobs: Any, archive: Any, name: str, hyperparameters: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        jobs.source(name, archive({"train.py": b"print(1)"}), HyperParameters=hyperparameters)


def test_without_namespaces_programs_find_their_folders_in_the_variables(own_jobs: Any) -> None:
    """Many containers are like this machine, on which a process may make no namespaces."""
    assert own_jobs.server.end(signal.SIGTERM) == 0
    own_jobs.server.start(within=WITHOUT_NAMESPACES)
    output = own_jobs.completed(own_jobs.shell("open", 'echo "$SM_MODEL_DIR"; echo w > "$SM_MODEL_DIR/w"'))
    of_naiad = [line for line in output if line.startswith("naiad: ")]
    gap = next(line for line in of_naiad if line.startswith("naiad: namespaces are not allowed here ("))
    assert "the program runs without /opt/ml, finds its folders in the SM_ variables" in gap
    assert output[len(of_naiad)].startswith(f"{own_jobs.server.state}/jobs/")
    assert own_jobs.packed("out/open/output/model.tar.gz") == {"w": b"w\n"}
