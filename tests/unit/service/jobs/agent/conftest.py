"""Specs of instances, and training jobs that run in this machine's sandbox."""

import io
import tarfile
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from agent_runs import lines

from naiad.service.compose import AGENT_COMMAND, WARM_COMMAND
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import STATUS_OF
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec
from naiad.service.executors.warm_interpreter import WarmInterpreter


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., InstanceSpec]:
    def make(
        request: Mapping[str, Any], *, kind: JobKind = JobKind.TRAINING, index: int = 0, instances: int = 1
    ) -> InstanceSpec:
        hosts = tuple(f"algo-{number + 1}" for number in range(instances))
        folder = tmp_path / "jobs" / kind / "one" / "1" / hosts[index]
        return InstanceSpec(
            instance=Instance(kind, "one", 1, index, folder),
            arn="arn:aws:sagemaker:us-east-1:000000000000:training-job/one",
            request=request,
            hosts=hosts,
            cpus=(0, 1),
            memory_bytes=2**30,
            region="us-east-1",
            endpoint_url="http://127.0.0.1:1",
            access_key="A",
            secret_key="S",
            blobs_url=str(tmp_path / "blobs"),
            cache_folder=tmp_path / "cache",
        )

    return make


@dataclass(frozen=True)
class Run:
    report: InstanceReport
    lines: list[str]


@pytest.fixture
def run(spec_of: Callable[..., InstanceSpec], put: Callable[..., None]) -> Callable[..., Run]:
    """Runs a training job with the program as its script: ``run(program, **request)``."""

    def run_job(
        program: str | bytes,
        *,
        index: int = 0,
        instances: int = 1,
        agent: tuple[str, ...] = AGENT_COMMAND,
        **request: Any,
    ) -> Run:
        """``program`` is a script, or the bytes of a source archive."""
        put({"source.tar.gz": program if isinstance(program, bytes) else _archive(program)})
        spec = spec_of(_request(request), index=index, instances=instances)
        return run_instance(replace(spec, cpus=(0,)), agent=agent)

    return run_job


@pytest.fixture
def without_namespaces() -> tuple[str, ...]:
    """The command of an agent that is allowed no namespaces: it has given up its privileges, as programs do."""
    code = """
import os, sys
from naiad.service.walls.privileges import give_up_privileges
give_up_privileges()
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
    return (AGENT_COMMAND[0], "-c", code, *AGENT_COMMAND[1:])


def run_instance(spec: InstanceSpec, *, within_s: float = 30, agent: tuple[str, ...] = AGENT_COMMAND) -> Run:
    executor, deadline = LocalExecutor(agent), time.monotonic() + within_s
    executor.start(spec)
    try:
        while True:
            report = executor.report(spec.instance)
            if report is not None and STATUS_OF[report.phase].is_final and not report.alive:
                break
            assert time.monotonic() < deadline, report
            time.sleep(0.01)
    finally:
        executor.kill(spec.instance)
    return Run(report, lines(spec))


def _archive(program: str) -> bytes:
    source, content = io.BytesIO(), textwrap.dedent(program).encode()
    with tarfile.open(fileobj=source, mode="w:gz") as tar:
        info = tarfile.TarInfo("train.py")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return source.getvalue()


def _request(more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": "any/python:1", "TrainingInputMode": "File"},
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "s3://naiad/source.tar.gz",
        },
        "OutputDataConfig": {"S3OutputPath": "s3://naiad/out/"},
        **more,
    }


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmInterpreter]:
    """A warm interpreter with numpy loaded, because torch takes long."""
    log = tmp_path_factory.mktemp("warm") / "warm.log"
    interpreter = WarmInterpreter(WARM_COMMAND, log, libraries=("numpy",))
    assert interpreter.wait_until_ready(60), log.read_text()
    yield interpreter
    interpreter.close()


@pytest.fixture(params=["cold", "warm"])
def executor(request: pytest.FixtureRequest) -> LocalExecutor:
    return LocalExecutor(AGENT_COMMAND, request.getfixturevalue("warm") if request.param == "warm" else None)
