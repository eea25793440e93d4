"""The inputs and outputs of a job: channels, checkpoints, packages, outputs."""

import io
import json
import os
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest

LIST = 'cd /opt/ml/input/data; find . -type f | sort | while read f; do echo "$f $(cat $f)"; done'


def test_kinds_of_channels(jobs: Any, channel: Any, manifest: Any) -> None:
    jobs.put({"kinds/a": b"1", "kinds/deep/b": b"2", "kinds/c": b"3", "lists/some": manifest("kinds/", "a", "deep/b")})
    channels = [
        channel("prefix", "kinds/"),
        channel("object", "kinds/deep/b"),
        channel("listed", "lists/some", "ManifestFile"),
        channel("fast", "kinds/a", InputMode="FastFile"),
    ]
    assert jobs.completed(jobs.shell("kinds", LIST, InputDataConfig=channels)) == [
        "./fast/a 1",
        "./listed/a 1",
        "./listed/deep/b 2",
        "./object/b 2",
        "./prefix/a 1",
        "./prefix/c 3",
        "./prefix/deep/b 2",
    ]


def test_a_sharded_channel_of_two_instances(jobs: Any, channel: Any) -> None:
    jobs.put({f"shards/{number}": b"x" for number in range(5)})
    shards = [channel("train", "shards/", distribution="ShardedByS3Key")]
    program = 'ls -x "$SM_CHANNEL_TRAIN"; echo d > /opt/ml/output/data/$SM_CURRENT_HOST; echo "$SM_HOSTS"'
    name = jobs.shell("shards", program, InputDataConfig=shards, hosts=2)
    assert jobs.end(name)["TrainingJobStatus"] == "Completed"
    outputs = [jobs.lines(name, host=host) for host in (1, 2)]
    assert sorted(" ".join(lines[0] for lines in outputs).split()) == list("01234")
    assert {lines[1] for lines in outputs} == {'["algo-1","algo-2"]'}
    assert jobs.keys("out/shards/output/") == {"output-algo-1.tar.gz", "output-algo-2.tar.gz"}


def test_a_second_job_reads_from_the_cache(jobs: Any, channel: Any) -> None:
    """Changes the cached file, to see where the second job reads from."""
    jobs.put({"twice/only": b"from the store: 7194"})
    channels = [channel("train", "twice/")]
    assert jobs.completed(jobs.shell("first", LIST, InputDataConfig=channels)) == ["./train/only from the store: 7194"]
    (cached,) = [path for path in jobs.server.files("cache") if path.read_bytes() == b"from the store: 7194"]
    cached.write_bytes(b"from the cache: 7194")
    program = f"{LIST}; echo changed > train/only"
    assert jobs.completed(jobs.shell("second", program, InputDataConfig=channels)) == [
        "./train/only from the cache: 7194"
    ]
    assert cached.read_bytes() == b"from the cache: 7194"


def test_outputs(jobs: Any) -> None:
    """An archive, single files, and many files."""
    program = "cd /opt/ml; mkdir model/deep; echo w > model/w; echo d > model/deep/d; echo o > output/data/o"
    packed = jobs.shell("packed", program)
    plain = jobs.shell("plain", program, OutputDataConfig={"S3OutputPath": "s3://naiad/out", "CompressionType": "NONE"})
    many = jobs.shell("many", "cd /opt/ml/model; seq 10000 | xargs touch")
    jobs.completed(packed)
    assert jobs.packed("out/packed/output/model.tar.gz") == {"w": b"w\n", "deep/d": b"d\n"}
    assert jobs.packed("out/packed/output/output.tar.gz") == {"o": b"o\n"}
    jobs.completed(plain)
    assert jobs.keys("out/plain/output/") == {"model/w", "model/deep/d", "output/o"}
    jobs.completed(many)
    assert len(jobs.packed("out/many/output/model.tar.gz")) == 10_000


def wheel(name: str, module: str) -> bytes:
    out, info = io.BytesIO(), f"{name}-1.0.dist-info"
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"{name}.py", module)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return out.getvalue()


@pytest.mark.slow
def test_requirements_are_installed_for_the_script_only(jobs: Any, channel: Any, archive: Any) -> None:
    jobs.put({"wheels/naiad_tiny-1.0-py3-none-any.whl": wheel("naiad_tiny", "SIZE = 'tiny'")})
    source = archive(
        {"train.py": b"import naiad_tiny; print(naiad_tiny.SIZE)", "requirements.txt": b"naiad_tiny==1.0\n"}
    )
    only = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/opt/ml/input/data/wheels"}
    channels = [channel("wheels", "wheels/")]
    name = jobs.source("requirements", source, InputDataConfig=channels, Environment=only)
    assert jobs.completed(name)[-1] == "tiny"
    again = jobs.python("requirements-gone", "import naiad_tiny")
    assert jobs.failed(again) == "AlgorithmError: ModuleNotFoundError: No module named 'naiad_tiny' (train.py, line 1)"
    missing = archive({"train.py": b"", "requirements.txt": b"naiad_none==1.0\n"})
    reason = jobs.failed(jobs.source("requirements-none", missing, InputDataConfig=channels, Environment=only))
    assert "naiad_none" in reason


COUNTS = """
import pathlib, sys, time
state = pathlib.Path("/opt/ml/checkpoints/count")
count = int(state.read_text()) if state.is_file() else 0
print("from", count, flush=True)
if count == 0:
    state.write_text("7")
    while True: time.sleep(0.1)
"""


def agent_of(state: Path, name: str) -> int:
    return int(json.loads((state / "jobs" / "training-job" / name / "1" / "algo-1" / "agent.json").read_text())["pid"])


def start_processing(jobs: Any, name: str, program: str) -> None:
    target = {"S3Uri": f"s3://naiad/{name}", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "Continuous"}
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    jobs.server.client("sagemaker").create_processing_job(
        ProcessingJobName=name,
        ProcessingResources={"ClusterConfig": cluster},
        AppSpecification={"ImageUri": "any/image", "ContainerEntrypoint": ["sh", "-c", program]},
        RoleArn="arn:aws:iam::000000000000:role/naiad",
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": target}]},
        Tags=[{"Key": "naiad:cores", "Value": "1"}],
    )


@pytest.mark.slow
def test_outputs_and_checkpoints_are_stored_while_a_program_runs(jobs: Any) -> None:
    """Checkpoints are used by the attempt after a killed agent, and by another job."""
    checkpoints = {"CheckpointConfig": {"S3Uri": "s3://naiad/checkpoints/one"}}
    name = jobs.python("checkpoints", COUNTS, **checkpoints)
    write = "echo 1 > /opt/ml/processing/out/part; echo all is well > /opt/ml/output/message"
    wait = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
    start_processing(jobs, "continuous", f"{write}; {wait}")
    jobs.until(lambda: jobs.keys("continuous/") == {"part"})
    jobs.until(lambda: jobs.keys("checkpoints/one/") == {"count"})
    sagemaker = jobs.server.client("sagemaker")
    assert sagemaker.describe_processing_job(ProcessingJobName="continuous")["ProcessingJobStatus"] == "InProgress"
    sagemaker.stop_processing_job(ProcessingJobName="continuous")
    os.kill(agent_of(jobs.server.state, name), signal.SIGKILL)
    assert jobs.end(name)["TrainingJobStatus"] == "Completed"
    assert [step["Status"] for step in jobs.describe(name)["SecondaryStatusTransitions"]].count("Starting") == 2
    assert "from 7" in jobs.lines(name)
    assert jobs.completed(jobs.python("checkpoints-more", COUNTS, **checkpoints))[-1] == "from 7"
    stopped = jobs.until(lambda: ended_processing(sagemaker, "continuous"))
    assert (stopped["ProcessingJobStatus"], stopped["ExitMessage"]) == ("Stopped", "all is well")


def ended_processing(sagemaker: Any, name: str) -> dict[str, Any] | None:
    described = sagemaker.describe_processing_job(ProcessingJobName=name)
    return described if described["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None
