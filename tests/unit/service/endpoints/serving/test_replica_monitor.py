"""Bombs in a model's code, with control groups and without: the replica ends with a reason, and its neighbour answers on."""

import asyncio
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from bombs import DISK_FILLERS, FORK, HELD, MEASURED, MEMORY_BOMBS, MEMORY_BYTES, MIB, TASKS, hold

from naiad.service.endpoints.frames import encode_meta
from naiad.service.endpoints.serving import replica_pool
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse
from naiad.service.endpoints.serving.launcher import Launcher
from naiad.service.endpoints.serving.model_sandbox import ModelSandbox
from naiad.service.endpoints.serving.prepared_model import PreparedModel
from naiad.service.endpoints.serving.replica import ReplicaFailed
from naiad.service.endpoints.serving.replica_monitor import ReplicaMonitor
from naiad.service.endpoints.serving.replica_pool import ReplicaPool
from naiad.service.endpoints.worker.model_kind import ModelKind
from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.resource_guard import NO_CONTROL_GROUP, ResourceLimits, group_name
from naiad.service.walls.support import find_wall_support

pytestmark = pytest.mark.skipif(not find_wall_support().has_namespaces, reason="namespaces are not allowed here")
LIMITS = ResourceLimits(MEMORY_BYTES, TASKS, 200 * MIB)
SCRIPT = """
import os
def model_fn(folder):
    exec(os.environ.get("BOMB", ""), {})
def transform_fn(model, body, content_type, accept):
    if body == "hello":
        return "hello"
    exec(body, {})
"""
MEMORY_TEXT = "of the 0.29 GiB that it was given; use a larger instance type, or fewer replicas"


@pytest.fixture(params=[HELD, MEASURED])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    hold(request.param, monkeypatch)
    return str(request.param)


@pytest.fixture(autouse=True)
def _one_replica_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_pool, "_MAX_LOST_REPLICAS", 1)


def make_pool(state: Path, name: str, monitor: ReplicaMonitor, **environment: str) -> ReplicaPool:
    folder = state / "endpoints" / name / "1" / "v"
    for part in ("ml/code", "ml/model/code", "tmp", "work"):
        (folder / part).mkdir(parents=True)
    (folder / "ml" / "model" / "code" / "inference.py").write_text(textwrap.dedent(SCRIPT))
    prepared = PreparedModel(folder, ModelKind.SCRIPT, None, 1, environment, has_requirements=False)
    logs = state / "endpoints" / name / "logs" / "v"
    return ReplicaPool("v", Launcher(prepared, ModelSandbox(state), logs, name, 60.0, LIMITS, monitor), 2)


def run(state: Path, act: Callable[[ReplicaPool, ReplicaPool], Awaitable[None]]) -> None:
    """Runs ``act`` with the pool of a model that has a bomb, and its neighbour's."""

    async def main() -> None:
        monitor = ReplicaMonitor(interval_s=0.05)
        pools = [make_pool(state, name, monitor) for name in ("bomb", "neighbour")]
        try:
            for pool in pools:
                pool.resize(1)
            for pool in pools:
                await pool.wait_ready()
            await act(*pools)
        finally:
            for pool in pools:
                await pool.close()

    asyncio.run(main())
    assert not ControlGroup.find(f"{group_name('model', state)}-*").folders


async def send(pool: ReplicaPool, body: str) -> InvocationResponse:
    response = asyncio.get_running_loop().create_future()
    invocation = Invocation(encode_meta("text/plain", "text/plain", ""), body.encode(), response, time.monotonic())
    pool.submit(invocation)
    return await asyncio.wait_for(invocation.response, 30)


def explode(state: Path, bomb: str) -> str:
    """Returns the reason with which a bomb's request is answered. The neighbour's replica stays the same."""
    messages: list[str] = []

    async def act(bombs: ReplicaPool, neighbour: ReplicaPool) -> None:
        (replica,) = neighbour.replicas
        response = await send(bombs, bomb)
        assert response.status == 424
        messages.append(response.body.decode())
        assert (await send(neighbour, "hello")).body == b"hello"
        assert neighbour.replicas == [replica]

    run(state, act)
    return messages[0]


def log_of(state: Path, name: str) -> str:
    return (state / "endpoints" / name / "logs" / "v" / f"{name}-1" / "log").read_text()


@pytest.mark.parametrize("bomb", MEMORY_BOMBS)
def test_a_memory_bomb(tmp_path: Path, way: str, bomb: str) -> None:
    message = explode(tmp_path, MEMORY_BOMBS[bomb])
    assert "the model's process exited 1 times at this request: out of memory: the program used 0." in message
    assert MEMORY_TEXT in message
    log = log_of(tmp_path, "bomb")
    assert "naiad: the replica was ended: out of memory: the program used 0." in log
    assert (NO_CONTROL_GROUP in log) is (way == MEASURED)
    assert "was ended" not in log_of(tmp_path, "neighbour")


def test_a_fork_bomb(tmp_path: Path, way: str) -> None:
    message = explode(tmp_path, FORK)
    assert f"too many processes: the program may have {TASKS} processes and threads at once" in message
    assert (NO_CONTROL_GROUP in log_of(tmp_path, "bomb")) is (way == MEASURED)


@pytest.mark.parametrize("filler", DISK_FILLERS)
def test_a_disk_filler(tmp_path: Path, filler: str) -> None:
    message = explode(tmp_path, DISK_FILLERS[filler])
    assert "disk full: the program wrote " in message
    assert "to its volume of 0.2 GiB; write less, or ask for more: VolumeSizeInGB" in message
    assert "the replica was ended: disk full" in log_of(tmp_path, "bomb")


def test_a_model_that_takes_too_much_while_it_is_loaded(tmp_path: Path, way: str) -> None:
    """The reason of the failed start is what the endpoint's FailureReason says."""

    async def main() -> None:
        pool = make_pool(tmp_path, "bomb", ReplicaMonitor(interval_s=0.05), BOMB=MEMORY_BOMBS["heap"])
        pool.resize(1)
        try:
            with pytest.raises(ReplicaFailed, match=f"before its model was loaded: out of memory: .* {MEMORY_TEXT}"):
                await pool.wait_ready()
        finally:
            await pool.close()

    asyncio.run(main())
    assert (NO_CONTROL_GROUP in log_of(tmp_path, "bomb")) is (way == MEASURED)


def test_replicas_leave_no_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(HELD, monkeypatch)
    pattern, counts = f"{group_name('model', tmp_path)}-*", list[int]()

    async def act(_bombs: ReplicaPool, _neighbour: ReplicaPool) -> None:
        counts.append(len({folder.name for folder in ControlGroup.find(pattern).folders}))

    run(tmp_path, act)
    assert counts == [2]


def test_starts_that_are_cancelled_leave_no_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancels at several moments of a start."""
    hold(HELD, monkeypatch)

    async def main() -> None:
        for turns in range(12):
            pool = make_pool(tmp_path, f"cancelled-{turns}", ReplicaMonitor(interval_s=0.05))
            pool.resize(1)
            for _ in range(turns**2):
                await asyncio.sleep(0)
            await pool.close()

    asyncio.run(main())
    assert not ControlGroup.find(f"{group_name('model', tmp_path)}-*").folders


def test_what_a_killed_server_has_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(HELD, monkeypatch)
    name = group_name("model", tmp_path, tmp_path / "replica")
    assert ControlGroup.make(name, memory_bytes=MIB, tasks=1) is not None
    other = group_name("model", tmp_path / "other", tmp_path / "replica")
    assert ControlGroup.make(other, memory_bytes=MIB, tasks=1) is not None
    ModelSandbox(tmp_path).remove_control_groups()
    assert not ControlGroup.find(name).folders
    assert ControlGroup.find(other).folders
    ControlGroup.find(other).remove()
