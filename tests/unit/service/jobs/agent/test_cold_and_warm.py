"""The same programs as new processes and from a warm interpreter: a program cannot tell the difference."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import lines, run, training_spec, wait_until

from naiad.service.compose import AGENT_COMMAND, WARM_COMMAND
from naiad.service.domain.status import Phase
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import InstanceSpec
from naiad.service.executors.process import Process
from naiad.service.executors.warm_interpreter import WarmInterpreter
from naiad.service.jobs.layout import control_group_name
from naiad.service.walls.control_group import ControlGroup


@pytest.mark.parametrize("kind", ["cold", "warm"])
def test_a_program_cannot_read_the_environment_of_the_server(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks at all processes that a program sees: the server's variables may hold the keys of a store and of a database."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-server")
    log, warm = tmp_path / "warm.log", None
    if kind == "warm":
        warm = WarmInterpreter(WARM_COMMAND, log, libraries=("json",))
        assert warm.wait_until_ready(60), log.read_text()
    spec = training_spec(
        tmp_path / "state", "import glob; print(*(open(f).read() for f in glob.glob('/proc/[0-9]*/environ')))"
    )
    try:
        assert run(LocalExecutor(AGENT_COMMAND, warm), spec).phase is Phase.COMPLETED, lines(spec)
    finally:
        if warm is not None:
            warm.close()
    (line,) = lines(spec)
    assert "PATH=" in line
    assert "a-secret" not in line
    names = [path.name for path in spec.instance.folder.iterdir()]
    assert "environment.json" not in names


SHOW = """
    import __main__, atexit, multiprocessing, os, signal, sys, threading
    import helper

    def square(number):
        return number * number

    if __name__ == "__main__":
        print(sys.argv, os.getcwd(), __file__, __main__.square is square, helper.NAME)
        print(sorted(os.sched_getaffinity(0)), os.environ["OMP_NUM_THREADS"], os.environ["SM_HP_LR"])
        print("HOME" in os.environ, [name for name in os.environ if name.startswith("NAIAD_STATE")], os.listdir("/tmp"))
        print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, sys.stdin.read() == "", threading.active_count())
        print(os.listdir("/proc/self/fd")[:3], sorted(os.listdir("/opt/ml")))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.map(square, [3]))
        threading.Timer(0.05, lambda: print("a thread ends before the program")).start()
        atexit.register(print, "then exit handlers")
"""


def entries_of_tmp() -> list[str]:
    """Returns what a program sees in /tmp: nothing, or the way to its interpreter when that lies in our /tmp."""
    parts = Path(sys.prefix).parts
    return [parts[2]] if parts[1] == "tmp" else []


def test_a_script_sees_the_same_as_in_a_new_interpreter(executor: LocalExecutor, tmp_path: Path) -> None:
    spec = training_spec(tmp_path, SHOW, helper='NAME = "beside"')
    assert run(executor, spec).phase is Phase.COMPLETED, lines(spec)
    assert lines(spec) == [
        "['train.py', '--lr', '0.5'] /opt/ml/code /opt/ml/code/train.py True beside",
        f"{list(spec.cpus)} 1 0.5",
        f"True [] {entries_of_tmp()}",
        "True True 1",
        "['0', '1', '2'] ['checkpoints', 'code', 'input', 'model', 'output', 'python']",
        "[9]",
        "a thread ends before the program",
        "then exit handlers",
    ]


@pytest.mark.parametrize(
    ("program", "reason", "last"),
    [
        ("def f():\n    raise ValueError('no')\nf()", "AlgorithmError: ValueError: no (train.py, line 2)", "ValueError: no"),
        ("import sys; sys.exit('bad')", "AlgorithmError: the program ended with exit status 1; its last line was: bad", "bad"),
        ("import sys; sys.exit(7)", "AlgorithmError: the program ended with exit status 7", None),
        ("import os, signal; os.kill(os.getpid(), 11)", "AlgorithmError: the program was ended by SIGSEGV", None),
        ("x = (", "AlgorithmError: SyntaxError: '(' was never closed (train.py, line 1)", None),
    ],
)  # fmt: skip
def test_a_failure_has_the_same_reason(
    executor: LocalExecutor, tmp_path: Path, program: str, reason: str, last: str | None
) -> None:
    spec = training_spec(tmp_path, program)
    report = run(executor, spec)
    assert report.phase is Phase.FAILED
    assert report.failure_reason is not None
    assert report.failure_reason.startswith(reason)  # a shell may add its own line about a signal
    output = lines(spec)
    assert last is None or output[-1] == last
    assert not any("naiad" in line for line in output)


def test_too_much_memory_is_given_as_the_reason(executor: LocalExecutor, tmp_path: Path) -> None:
    spec = replace(training_spec(tmp_path, "held = b'x' * 2**30\nimport time; time.sleep(600)"), memory_bytes=2**29)
    report = run(executor, spec)
    assert report.phase is Phase.FAILED
    assert re.fullmatch(
        r"AlgorithmError: out of memory: the program used [01]\.\d\d GiB of the 0\.50 GiB that it was given; .*",
        report.failure_reason or "",
    )


def test_a_program_cannot_write_the_servers_packages(executor: LocalExecutor, tmp_path: Path) -> None:
    program = f"import pathlib; pathlib.Path({sys.prefix!r}, 'written-by-a-job').touch()"
    report = run(executor, training_spec(tmp_path, program))
    assert not Path(sys.prefix, "written-by-a-job").exists()
    assert report.failure_reason is not None
    assert "Read-only file system" in report.failure_reason


def test_a_stop_reaches_the_script(executor: LocalExecutor, tmp_path: Path) -> None:
    program = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (print("saved"), sys.exit(0)))
        print("started")
        while True:
            time.sleep(0.01)
    """
    spec = training_spec(tmp_path, program)
    executor.start(spec)
    wait_until(lambda: (spec.instance.folder / "log").is_file() and lines(spec) == ["started"])
    executor.stop(spec.instance)
    assert run(executor, spec).phase is Phase.STOPPED
    assert lines(spec) == ["started", "saved"]


def test_a_script_that_ignores_a_stop_is_killed(executor: LocalExecutor, tmp_path: Path) -> None:
    program = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('started')\ntime.sleep(600)"
    spec = training_spec(tmp_path, program)
    executor.start(spec)
    wait_until(lambda: (spec.instance.folder / "log").is_file() and lines(spec) == ["started"])
    executor.stop(spec.instance)
    assert run(executor, spec).phase is Phase.STOPPED


def test_a_killed_agent_leaves_no_process(executor: LocalExecutor, tmp_path: Path) -> None:
    program = "import os, time\nif os.fork():\n    print('started')\ntime.sleep(600)"
    spec = training_spec(tmp_path, program)
    executor.start(spec)
    wait_until(lambda: (spec.instance.folder / "log").is_file() and lines(spec) == ["started"])
    processes = _program_processes(spec)
    assert len(processes) >= 3
    executor.kill(spec.instance)
    report = executor.report(spec.instance)
    assert report is not None
    assert not report.alive
    wait_until(lambda: not any(process.is_alive for process in processes))
    ControlGroup.find(control_group_name(spec.instance.folder)).remove()


def _program_processes(spec: InstanceSpec) -> list[Process]:
    """Returns the program's outermost process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(entry)):
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    pids = [json.loads((spec.instance.folder / "program.json").read_text())["pid"]]
    for pid in pids:
        pids += children.get(pid, [])
    return [process for pid in pids if (process := Process.find(pid)) is not None]


def _stat(entry: Path) -> str:
    try:
        return (entry / "stat").read_text()
    except OSError:
        return ""
