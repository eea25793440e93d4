import os
import sys
from pathlib import Path

import pytest

from naiad.service.executors.process import Process
from naiad.service.jobs.agent.program import End, Ended, Limits, Spawned, follow


def run(
    tmp_path: Path, code: str, *, limits: Limits | None = None, stop: bool = False, cpus: tuple[int, ...] = ()
) -> tuple[End, str]:
    """How it ended and what it said; ``stop`` asks it to end as soon as it has said something."""
    said: list[bytes] = []
    program = Spawned([sys.executable, "-u", "-c", code], {"PATH": os.environ["PATH"]}, cwd=tmp_path, cpus=cpus)
    end = follow(
        program,
        folder=tmp_path,
        limits=limits or Limits(None, 60),
        on_data=said.append,
        asked_to_stop=lambda: stop and bool(said),
    )
    return end, b"".join(said).decode()


def test_its_output_and_its_status(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert run(tmp_path, code) == (End(3, Ended.BY_ITSELF), "out\nerr\n")


def test_its_environment_is_what_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s")
    assert run(tmp_path, "import os; print('SECRET' in os.environ)")[1] == "False\n"


def test_it_is_pinned(tmp_path: Path) -> None:
    core = max(os.sched_getaffinity(0))
    assert run(tmp_path, "import os; print(*os.sched_getaffinity(0))", cpus=(core,))[1] == f"{core}\n"


def test_a_stop_is_sigterm_to_all_of_it(tmp_path: Path) -> None:
    code = "import os, time\nos.fork()\nprint('x', flush=True)\ntime.sleep(600)"
    assert run(tmp_path, code, stop=True)[0] == End(-15, Ended.STOPPED)


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('x'); time.sleep(600)"
    assert run(tmp_path, code, limits=Limits(None, 0.1), stop=True)[0] == End(-9, Ended.STOPPED)


def test_its_time_is_limited(tmp_path: Path) -> None:
    assert run(tmp_path, "import time; time.sleep(600)", limits=Limits(0.1, 60))[0] == End(-15, Ended.OUT_OF_TIME)


def test_children_that_it_leaves_behind_are_ended(tmp_path: Path) -> None:
    code = "import os, time\npid = os.fork()\nif pid == 0: time.sleep(600)\nprint(pid)"
    end, said = run(tmp_path, code)
    assert end == End(0, Ended.BY_ITSELF)
    while Process.of(int(said)) is not None:
        os.sched_yield()


def test_its_memory_is_limited(tmp_path: Path) -> None:
    code = "import time; held = b'x' * (300 * 2**20); time.sleep(600)"
    end, _ = run(tmp_path, code, limits=Limits(None, 60, memory_bytes=200 * 2**20))
    assert (end.status, end.how) == (-9, Ended.OUT_OF_MEMORY)
    assert end.used_bytes is not None
    assert end.used_bytes > 200 * 2**20


def test_one_that_closes_its_output_is_followed_on(tmp_path: Path) -> None:
    code = "import os, sys, time; print('x', flush=True); os.close(1); os.close(2); time.sleep(0.3); os._exit(4)"
    assert run(tmp_path, code) == (End(4, Ended.BY_ITSELF), "x\n")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Spawned(["/no/such/program"], {}, cwd=tmp_path, cpus=())
