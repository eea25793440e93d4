"""The local executor beyond the contract: its folders, and programs that outlive their agents."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from naiad.service.domain.errors import ServiceError, StorageFull
from naiad.service.domain.job import JobKind
from naiad.service.executors.instance_files import PROGRAM_FILE, write_process
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import Instance, InstanceSpec
from naiad.service.executors.process import Process

NO_AGENT = (sys.executable, "-c", "")
"""The command of an agent that ends at once and reports nothing."""


@pytest.fixture
def spec(tmp_path: Path) -> InstanceSpec:
    instance = Instance(JobKind.TRAINING, "one", 1, 0, tmp_path / "one" / "1" / "algo-1")
    return InstanceSpec(instance, "arn", {}, ("algo-1",), (0,), 1, "us-east-1", "http://127.0.0.1:1", "A", "S")


@pytest.fixture
def program(spec: InstanceSpec) -> Iterator["subprocess.Popen[bytes]"]:
    """A program whose agent is dead already."""
    spec.instance.folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as popen:
        process = Process.find(popen.pid)
        assert process is not None
        write_process(spec.instance.folder / PROGRAM_FILE, process)
        yield popen


def test_only_the_owner_may_enter_the_folders_of_an_instance(spec: InstanceSpec) -> None:
    LocalExecutor(NO_AGENT).start(spec)
    folder = spec.instance.folder
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir()) if path.is_dir()}
    assert modes == dict.fromkeys(("algo-1", "ml", "tmp", "work"), 0o700)


def test_an_agent_that_ends_at_once_is_as_if_it_was_never_started(spec: InstanceSpec) -> None:
    executor = LocalExecutor(NO_AGENT)
    executor.start(spec)
    assert executor.report(spec.instance) is None


def test_a_kill_ends_a_program_that_has_outlived_its_agent(
    spec: InstanceSpec, program: "subprocess.Popen[bytes]"
) -> None:
    LocalExecutor(NO_AGENT).kill(spec.instance)
    assert program.wait(10) == -9


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StorageFull), (errno.EACCES, ServiceError)])
def test_an_agent_that_cannot_be_started(
    spec: InstanceSpec, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("subprocess.Popen", fail)
    with pytest.raises(error):
        LocalExecutor(NO_AGENT).start(replace(spec))
