import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from naiad.service.compose import WARM_COMMAND
from naiad.service.executors.process import Process
from naiad.service.executors.warm_interpreter import WarmInterpreter


@contextmanager
def interpreter(tmp_path: Path, *libraries: str) -> Iterator[WarmInterpreter]:
    warm = WarmInterpreter(WARM_COMMAND, tmp_path / "warm.log", libraries=libraries)
    try:
        yield warm
    finally:
        warm.close()


def folder(tmp_path: Path, name: str = "algo-1") -> Path:
    path = tmp_path / name
    path.mkdir()
    return path


def test_each_agent_is_a_process_of_its_own(tmp_path: Path) -> None:
    with interpreter(tmp_path, "json") as warm:
        assert warm.wait_until_ready(60)
        pids = {warm.fork_agent(folder(tmp_path, name)) for name in ("one", "two")}
        assert None not in pids
        assert len(pids | {os.getpid()}) == 3


def test_there_is_no_agent_before_the_libraries_are_loaded(tmp_path: Path) -> None:
    with interpreter(tmp_path, "json") as warm:
        if not warm.wait_until_ready(0):
            assert warm.fork_agent(folder(tmp_path)) is None


def test_without_a_library_jobs_start_cold(tmp_path: Path) -> None:
    with interpreter(tmp_path, "no_such_library") as warm:
        assert not warm.wait_until_ready(2)
        assert warm.fork_agent(folder(tmp_path)) is None
        assert "No module named 'no_such_library'" in (tmp_path / "warm.log").read_text()


def test_a_library_that_starts_threads_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with interpreter(tmp_path, "threaded") as warm:
        assert not warm.wait_until_ready(2)
        assert (tmp_path / "warm.log").read_text() == "no warm interpreter: threaded started 1 threads\n"


def test_it_is_restarted_when_it_has_died(tmp_path: Path) -> None:
    with interpreter(tmp_path, "json") as warm:
        assert warm.wait_until_ready(60)
        os.kill(warm.pid, signal.SIGKILL)
        while Process.find(warm.pid) is not None:
            os.sched_yield()
        assert warm.fork_agent(folder(tmp_path, "one")) is None
        assert warm.wait_until_ready(60)
        assert warm.fork_agent(folder(tmp_path, "two")) is not None


def test_agents_outlive_the_interpreter(tmp_path: Path) -> None:
    at = folder(tmp_path)
    os.mkfifo(at / "agent.lock")  # the agent waits here, for somebody who reads
    with interpreter(tmp_path, "json") as warm:
        assert warm.wait_until_ready(60)
        pid = warm.fork_agent(at)
    assert pid is not None
    agent = Process.find(pid)
    assert agent is not None
    assert agent.is_alive
    agent.signal(signal.SIGKILL)
