"""Bombs in the place of a training script, cold and warm, with control groups and without: each ends, and a neighbour goes on."""

import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import all_lines, lines, run, training_spec, wait_until
from bombs import (
    DISK_FILLERS,
    FORK,
    HELD,
    MEASURED,
    MEMORY_BOMBS,
    MEMORY_BYTES,
    NEIGHBOUR,
    TASKS,
    limited_agent,
    skip_without,
)

from naiad.service.blobs.open import open_blobs
from naiad.service.domain.status import Phase
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import InstanceSpec
from naiad.service.executors.warm_interpreter import WarmInterpreter
from naiad.service.jobs.agent.resource_limits import limit_reason
from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.resource_guard import GIB, NO_CONTROL_GROUP, Excess, Resource
from naiad.service.walls.support import find_wall_support

needs_namespaces = pytest.mark.skipif(not find_wall_support().has_namespaces, reason="namespaces are not allowed here")
WAYS = [(start, way) for way in (HELD, MEASURED) for start in ("cold", "warm")]
SMALL_VOLUME = {"ResourceConfig": {"InstanceType": "local", "VolumeSizeInGB": 1}}
PRINT = """
import os
file = os.open("/tmp/large", os.O_CREAT | os.O_WRONLY)
os.posix_fallocate(file, 0, 2**30 - 2**20)
while True:
    print("x" * 100_000)
"""
WIDEN = "import os; os.sched_setaffinity(0, range(os.cpu_count())); print(sorted(os.sched_getaffinity(0)))"


@pytest.fixture(scope="module")
def executors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], LocalExecutor]]:
    """An executor for each way, made when it is first used."""
    made: dict[tuple[str, str], LocalExecutor] = {}
    yield made
    for executor in made.values():
        if executor.warm is not None:
            executor.warm.close()


@pytest.fixture(params=WAYS, ids=["-".join(way) for way in WAYS])
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """How the program starts, and how it is held."""
    chosen: tuple[str, str] = request.param
    skip_without(chosen[1])
    return chosen


@pytest.fixture
def executor(way: tuple[str, str], executors: dict[tuple[str, str], LocalExecutor], tmp_path: Path) -> LocalExecutor:
    if way not in executors:
        command, warm = limited_agent(way[1]), None
        if way[0] == "warm":
            warm = WarmInterpreter((*command, "--warm"), tmp_path / "warm.log", libraries=("json",))
            assert warm.wait_until_ready(60), (tmp_path / "warm.log").read_text()
        executors[way] = LocalExecutor(command, warm)
    return executors[way]


@pytest.fixture
def neighbour(executor: LocalExecutor, tmp_path: Path) -> Iterator[InstanceSpec]:
    """Another job on the same machine, which runs until the test has ended."""
    spec = training_spec(tmp_path, NEIGHBOUR, name="neighbour")
    executor.start(spec)
    try:
        wait_until((code(spec) / "count").exists)
        yield spec
        (code(spec) / "end").touch()
        assert run(executor, spec).phase is Phase.COMPLETED, lines(spec)
    finally:
        executor.kill(spec.instance)


def code(spec: InstanceSpec) -> Path:
    return spec.instance.folder / "ml" / "code"


def reason(executor: LocalExecutor, spec: InstanceSpec, neighbour: InstanceSpec) -> str:
    """Returns the failure reason of a job, after which the neighbour goes on."""
    report = run(executor, spec)
    assert report.phase is Phase.FAILED, lines(spec)
    before = int((code(neighbour) / "count").read_text())
    wait_until(lambda: int((code(neighbour) / "count").read_text()) > before)
    return report.failure_reason or ""


@needs_namespaces
@pytest.mark.parametrize("bomb", MEMORY_BOMBS)
def test_a_memory_bomb(
    executor: LocalExecutor, way: tuple[str, str], neighbour: InstanceSpec, tmp_path: Path, bomb: str
) -> None:
    spec = replace(training_spec(tmp_path, MEMORY_BOMBS[bomb]), memory_bytes=MEMORY_BYTES)
    found = reason(executor, spec, neighbour)
    assert found.startswith("AlgorithmError: out of memory: the program used 0.")
    assert found.endswith("of the 0.29 GiB that it was given; use a smaller batch or a larger instance type")
    assert any(NO_CONTROL_GROUP in line for line in all_lines(spec)) is (way[1] == MEASURED)


@needs_namespaces
def test_a_memory_bomb_in_a_package_that_is_installed(
    executor: LocalExecutor, neighbour: InstanceSpec, tmp_path: Path
) -> None:
    """pip runs the package's own code."""
    spec = replace(training_spec(tmp_path, ""), memory_bytes=MEMORY_BYTES)
    out, package = io.BytesIO(), '[build-system]\nrequires = []\nbuild-backend = "bomb"\nbackend-path = ["."]\n'
    files = {"train.py": "", "requirements.txt": "./package\n", "package/pyproject.toml": package}
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in {**files, "package/bomb.py": MEMORY_BOMBS["heap"]}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    out.seek(0)
    open_blobs(spec.blobs_url).put("naiad", "one.tar.gz", out)
    assert reason(executor, spec, neighbour).startswith("AlgorithmError: out of memory: the program used 0.")


@needs_namespaces
def test_a_fork_bomb(executor: LocalExecutor, way: tuple[str, str], neighbour: InstanceSpec, tmp_path: Path) -> None:
    spec = training_spec(tmp_path, FORK)
    found = reason(executor, spec, neighbour)
    text = f"the program may have {TASKS} processes and threads at once"
    assert found == f"AlgorithmError: too many processes: {text}"
    assert any(NO_CONTROL_GROUP in line for line in all_lines(spec)) is (way[1] == MEASURED)


@needs_namespaces
@pytest.mark.parametrize("way", [("cold", MEASURED), ("warm", MEASURED)], ids=["cold", "warm"], indirect=True)
@pytest.mark.parametrize("filler", [*DISK_FILLERS, "the log"])
def test_a_disk_filler(executor: LocalExecutor, neighbour: InstanceSpec, tmp_path: Path, filler: str) -> None:
    """The disk is measured, with control groups as without."""
    spec = training_spec(tmp_path, {**DISK_FILLERS, "the log": PRINT}[filler], more=SMALL_VOLUME)
    found = reason(executor, spec, neighbour)
    assert found.startswith("AlgorithmError: disk full: the program wrote ")
    assert found.endswith("GiB to its volume of 1 GiB; ask for more: VolumeSizeInGB")


@needs_namespaces
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
@pytest.mark.parametrize("way", [("cold", HELD), ("warm", HELD)], ids=["cold", "warm"], indirect=True)
def test_a_program_cannot_leave_its_cores(executor: LocalExecutor, tmp_path: Path) -> None:
    group = ControlGroup.make("naiad-test-cores", memory_bytes=None, tasks=None, cpus=(0,))
    assert group is not None
    has_cores = group.has_cores
    group.remove()
    if not has_cores:
        pytest.skip("no control group can hold cores here")
    spec = training_spec(tmp_path, WIDEN)
    assert run(executor, spec).phase is Phase.COMPLETED, lines(spec)
    assert lines(spec) == [str(list(spec.cpus))]


def test_a_volume_that_the_disk_makes_smaller(tmp_path: Path) -> None:
    spec = training_spec(tmp_path, "", more=SMALL_VOLUME)
    own, of_disk = (limit_reason(Excess(Resource.DISK, size, 2 * GIB), spec) for size in (GIB, GIB // 2))
    assert own.endswith("2.00 GiB to its volume of 1 GiB; ask for more: VolumeSizeInGB")
    assert of_disk.endswith("volume of 0.5 GiB; the disk of this machine has no room for more")
