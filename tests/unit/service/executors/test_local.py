"""The same programs as new processes and from a warm interpreter: nobody can tell the difference."""

import io
import json
import os
import re
import sys
import tarfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from naiad.service.blobs.folder import FolderBlobs
from naiad.service.blobs.open import open_blobs
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import STATUS_OF, Phase
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec
from naiad.service.executors.process import Process
from naiad.service.executors.warm import WarmInterpreter


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmInterpreter]:
    """With numpy for a library, since torch takes long."""
    log = tmp_path_factory.mktemp("warm") / "warm.log"
    interpreter = WarmInterpreter(log, libraries=("numpy",))
    assert interpreter.wait_until_ready(60), log.read_text()
    yield interpreter
    interpreter.close()


@pytest.fixture(params=["cold", "warm"])
def executor(request: pytest.FixtureRequest) -> LocalExecutor:
    return LocalExecutor(request.getfixturevalue("warm") if request.param == "warm" else None)


def order(
    state: Path, program: str, *, name: str = "one", environment: dict[str, str] | None = None, **files: str
) -> InstanceSpec:
    """A training job with the program as its script, and other modules beside it."""
    blobs = open_blobs(str(state / "blobs"))
    assert isinstance(blobs, FolderBlobs)
    if not blobs.has_bucket("naiad"):
        blobs.create_bucket("naiad")
    source = io.BytesIO()
    with tarfile.open(fileobj=source, mode="w:gz") as tar:
        for file, text in {"train.py": program, **{f"{module}.py": text for module, text in files.items()}}.items():
            content = textwrap.dedent(text).encode()
            info = tarfile.TarInfo(file)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    source.seek(0)
    blobs.put("naiad", f"{name}.tar.gz", source)
    folder = state / "jobs" / "training-job" / name / "1" / "algo-1"
    return InstanceSpec(
        instance=Instance(JobKind.TRAINING, name, 1, 0, folder),
        arn=f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}",
        request={
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": "any/pytorch:1", "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://naiad/{name}.tar.gz",
                "lr": "0.5",
            },
            "OutputDataConfig": {"S3OutputPath": "s3://naiad/out/"},
            "StoppingCondition": {},
            "Environment": {"NAIAD_STOP_TIMEOUT_S": "0.5", **(environment or {})},
        },
        hosts=("algo-1",),
        cpus=(min(os.sched_getaffinity(0)),),
        memory_bytes=2**30,
        region="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        access_key="A",
        secret_key="S",
        blobs_url=str(state / "blobs"),
        cache_folder=state / "cache",
    )


def until(done: Callable[[], bool], *, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(executor: LocalExecutor, spec: InstanceSpec) -> InstanceReport:
    def is_over() -> bool:
        report = executor.report(spec.instance)
        return report is not None and STATUS_OF[report.phase].is_final and not report.alive

    executor.start(spec)
    until(is_over)
    report = executor.report(spec.instance)
    assert report is not None
    return report


def lines(spec: InstanceSpec) -> list[str]:
    text = (spec.instance.folder / "log").read_text(encoding="utf-8")
    return [line.partition(" ")[2] for line in text.splitlines()]


@pytest.mark.parametrize("kind", ["cold", "warm"])
def test_what_the_server_was_started_with_is_no_programs_to_read(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its variables may hold the keys of a store and of a database; all processes that a program sees are looked at."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-servers")
    log, warm = tmp_path / "warm.log", None
    if kind == "warm":
        warm = WarmInterpreter(log, libraries=("json",))
        assert warm.wait_until_ready(60), log.read_text()
    spec = order(tmp_path / "state", "import glob; print(*(open(f).read() for f in glob.glob('/proc/[0-9]*/environ')))")
    try:
        assert ended(LocalExecutor(warm), spec).phase is Phase.COMPLETED, lines(spec)
    finally:
        if warm is not None:
            warm.close()
    (said,) = lines(spec)
    assert "PATH=" in said
    assert "a-secret" not in said
    left = [path.name for path in spec.instance.folder.iterdir()]
    assert "environment.json" not in left


SEES = """
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


def seen_of_tmp() -> list[str]:
    """A program's own /tmp is empty, but for the way to its interpreter where that lies in ours."""
    parts = Path(sys.prefix).parts
    return [parts[2]] if parts[1] == "tmp" else []


def test_a_script_sees_what_a_new_interpreter_shows_it(executor: LocalExecutor, tmp_path: Path) -> None:
    spec = order(tmp_path, SEES, helper='NAME = "beside"')
    assert ended(executor, spec).phase is Phase.COMPLETED, lines(spec)
    assert lines(spec) == [
        "['/opt/ml/code/train.py', '--lr', '0.5'] /opt/ml/code /opt/ml/code/train.py True beside",
        f"{list(spec.cpus)} 1 0.5",
        f"True [] {seen_of_tmp()}",
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
        ("import sys; sys.exit('told')", "AlgorithmError: the program ended with exit status 1; its last line was: told", "told"),
        ("import sys; sys.exit(7)", "AlgorithmError: the program ended with exit status 7", None),
        ("import os, signal; os.kill(os.getpid(), 11)", "AlgorithmError: the program was ended by SIGSEGV", None),
        ("x = (", "AlgorithmError: SyntaxError: '(' was never closed (train.py, line 1)", None),
    ],
)  # fmt: skip
def test_a_failure_is_told_the_same_way(
    executor: LocalExecutor, tmp_path: Path, program: str, reason: str, last: str | None
) -> None:
    spec = order(tmp_path, program)
    report = ended(executor, spec)
    assert report.phase is Phase.FAILED
    assert report.failure_reason is not None
    assert report.failure_reason.startswith(reason)  # a shell may add its own word on a signal
    told = lines(spec)
    assert last is None or told[-1] == last
    assert not any("naiad" in line for line in told)


def test_too_much_memory_is_told_as_such(executor: LocalExecutor, tmp_path: Path) -> None:
    spec = replace(order(tmp_path, "held = b'x' * 2**30\nimport time; time.sleep(600)"), memory_bytes=2**29)
    report = ended(executor, spec)
    assert report.phase is Phase.FAILED
    assert re.fullmatch(
        r"AlgorithmError: out of memory: the program used [01]\.\d\d GiB of the 0\.50 GiB that it was given; .*",
        report.failure_reason or "",
    )


def test_the_servers_packages_cannot_be_written(executor: LocalExecutor, tmp_path: Path) -> None:
    program = f"import pathlib; pathlib.Path({sys.prefix!r}, 'written-by-a-job').touch()"
    report = ended(executor, order(tmp_path, program))
    assert not Path(sys.prefix, "written-by-a-job").exists()
    assert report.failure_reason is not None
    assert "Read-only file system" in report.failure_reason


def test_a_stop_reaches_the_script(executor: LocalExecutor, tmp_path: Path) -> None:
    program = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (print("saved"), sys.exit(0)))
        print("begun")
        while True:
            time.sleep(0.01)
    """
    spec = order(tmp_path, program)
    executor.start(spec)
    until(lambda: (spec.instance.folder / "log").is_file() and lines(spec) == ["begun"])
    executor.stop(spec.instance)
    assert ended(executor, spec).phase is Phase.STOPPED
    assert lines(spec) == ["begun", "saved"]


def test_a_script_that_does_not_stop_is_ended(executor: LocalExecutor, tmp_path: Path) -> None:
    program = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('begun')\ntime.sleep(600)"
    spec = order(tmp_path, program)
    executor.start(spec)
    until(lambda: (spec.instance.folder / "log").is_file() and lines(spec) == ["begun"])
    executor.stop(spec.instance)
    assert ended(executor, spec).phase is Phase.STOPPED


def test_nothing_is_left_of_an_agent_that_was_killed(executor: LocalExecutor, tmp_path: Path) -> None:
    program = "import os, time\nif os.fork():\n    print('begun')\ntime.sleep(600)"
    spec = order(tmp_path, program)
    executor.start(spec)
    until(lambda: (spec.instance.folder / "log").is_file() and lines(spec) == ["begun"])
    members = _below(spec)
    assert len(members) >= 3
    executor.kill(spec.instance)
    report = executor.report(spec.instance)
    assert report is not None
    assert not report.alive
    until(lambda: not any(member.is_alive for member in members))


def _below(spec: InstanceSpec) -> list[Process]:
    """The program's processes: its outermost one, and what descends from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(entry)):
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [json.loads((spec.instance.folder / "program.json").read_text())["pid"]]
    for pid in found:
        found += children.get(pid, [])
    return [process for pid in found if (process := Process.of(pid)) is not None]


def _stat(entry: Path) -> str:
    try:
        return (entry / "stat").read_text()
    except OSError:
        return ""
