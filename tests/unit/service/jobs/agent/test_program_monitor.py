import os
import sys
from pathlib import Path

import pytest

from naiad.service.executors.process import Process
from naiad.service.jobs.agent.program_monitor import EndCause, ProgramEnd, ProgramLimits, run_to_end
from naiad.service.jobs.agent.program_process import NewProcess
from naiad.service.walls.launch_request import LaunchRequest, Walls
from naiad.service.walls.resource_guard import Resource, ResourceGuard, ResourceLimits


def start(tmp_path: Path, *words: str, cpus: tuple[int, ...] = ()) -> NewProcess:
    """Starts a program without a sandbox."""
    return NewProcess(LaunchRequest(words, {"PATH": os.environ["PATH"]}, str(tmp_path), Walls(view=None), cpus))


def run(
    tmp_path: Path, code: str, *, limits: ProgramLimits | None = None, stop: bool = False, cpus: tuple[int, ...] = ()
) -> tuple[ProgramEnd, str]:
    """Returns the end and the output of a program. ``stop`` requests a stop after the first output."""
    output: list[bytes] = []
    program = start(tmp_path, sys.executable, "-u", "-c", code, cpus=cpus)
    end = run_to_end(
        program,
        folder=tmp_path,
        limits=limits or ProgramLimits(None, 60),
        on_data=output.append,
        is_stop_requested=lambda: stop and bool(output),
    )
    return end, b"".join(output).decode()


def test_output_and_exit_status(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert run(tmp_path, code) == (ProgramEnd(3, EndCause.BY_ITSELF), "out\nerr\n")


def test_the_environment_of_the_server_is_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s")
    assert run(tmp_path, "import os; print('SECRET' in os.environ)")[1] == "False\n"


def test_a_program_is_pinned_to_its_cores(tmp_path: Path) -> None:
    core = max(os.sched_getaffinity(0))
    assert run(tmp_path, "import os; print(*os.sched_getaffinity(0))", cpus=(core,))[1] == f"{core}\n"


def test_a_stop_sends_sigterm_to_the_whole_group(tmp_path: Path) -> None:
    code = "import os, time\nos.fork()\nprint('x', flush=True)\ntime.sleep(600)"
    assert run(tmp_path, code, stop=True)[0] == ProgramEnd(-15, EndCause.STOPPED)


def test_a_program_that_ignores_a_stop_is_killed(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('x'); time.sleep(600)"
    assert run(tmp_path, code, limits=ProgramLimits(None, 0.1), stop=True)[0] == ProgramEnd(-9, EndCause.STOPPED)


def test_the_time_limit(tmp_path: Path) -> None:
    assert run(tmp_path, "import time; time.sleep(600)", limits=ProgramLimits(0.1, 60))[0] == ProgramEnd(
        -15, EndCause.TIME_LIMIT
    )


def test_children_that_outlive_the_program_are_killed(tmp_path: Path) -> None:
    code = "import os, time\npid = os.fork()\nif pid == 0: time.sleep(600)\nprint(pid)"
    end, output = run(tmp_path, code)
    assert end == ProgramEnd(0, EndCause.BY_ITSELF)
    while Process.find(int(output)) is not None:
        os.sched_yield()


def test_the_memory_limit(tmp_path: Path) -> None:
    code = "import time; held = b'x' * (300 * 2**20); time.sleep(600)"
    guard = ResourceGuard(ResourceLimits(memory_bytes=200 * 2**20))
    end, _ = run(tmp_path, code, limits=ProgramLimits(None, 60, guard))
    assert (end.status, end.cause) == (-9, EndCause.EXCESS)
    assert end.excess is not None
    assert end.excess.resource is Resource.MEMORY
    assert end.excess.used_bytes > 200 * 2**20


def test_a_flood_of_output_does_not_hold_up_the_limits(tmp_path: Path) -> None:
    """Reading is slower than printing here, so that there is always more to read."""
    program = start(tmp_path, "/bin/sh", "-c", "yes")
    end = run_to_end(
        program,
        folder=tmp_path,
        limits=ProgramLimits(0.1, 60),
        on_data=lambda data: sum(map(len, data.split(b"\n"))),
        is_stop_requested=lambda: False,
    )
    assert end == ProgramEnd(-15, EndCause.TIME_LIMIT)


def test_a_program_that_closes_its_output_is_still_watched(tmp_path: Path) -> None:
    code = "import os, sys, time; print('x', flush=True); os.close(1); os.close(2); time.sleep(0.3); os._exit(4)"
    assert run(tmp_path, code) == (ProgramEnd(4, EndCause.BY_ITSELF), "x\n")


def test_a_program_that_does_not_exist(tmp_path: Path) -> None:
    program = start(tmp_path, "/no/such/program")
    assert program.wait() == 127
    assert os.read(program.stdout_fd, 100) == b"naiad: /no/such/program: No such file or directory\n"
    program.close()
