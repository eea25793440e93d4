"""A pool with replicas that are processes; what they answer is written here, and they die when a body says so."""

import asyncio
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from naiad.service.endpoints import pool as pools
from naiad.service.endpoints.calls import Call, Full, Reply
from naiad.service.endpoints.pool import Pool
from naiad.service.endpoints.replica import Replica, ReplicaFailed
from naiad.service.endpoints.worker.link import meta_of

T = TypeVar("T")
WORKER = """
import os, socket, sys, time
from naiad.service.endpoints.worker.link import READY, Unpacker, meta_of, packed
link, unpacker = socket.socket(fileno=int(sys.argv[1])), Unpacker()
if sys.argv[2] == "refuse":
    link.sendall(packed(READY, 424, b"", b"no weights"))
    sys.exit(1)
link.sendall(packed(READY, 200, b"", b"{}"))
while data := link.recv(65536):
    for frame in unpacker.feed(data):
        if frame.body.startswith(b"die"):
            os._exit(9)
        if frame.body.startswith(b"once "):
            path = frame.body[5:].decode()
            if not os.path.exists(path):
                open(path, "w").close()
                os._exit(9)
        if frame.body == b"hang":
            time.sleep(60)
        if frame.body == b"slow":
            time.sleep(0.05)
        link.sendall(packed(frame.id, 200, meta_of("a/b", ""), frame.body.upper()))
"""


async def launch(owner: Pool, number: int, how: str = "serve") -> Replica:
    ours, theirs = socket.socketpair()
    descriptor = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD, 20)
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(descriptor), how], pass_fds=(descriptor,))
    os.close(descriptor)
    theirs.close()
    replica = Replica(f"r{number}", process, owner)
    await asyncio.get_running_loop().create_unix_connection(lambda: replica, sock=ours)
    return replica


def call(body: bytes) -> Call:
    return Call(meta_of("", "", ""), body, asyncio.get_running_loop().create_future(), time.monotonic())


def with_pool(count: int, then: Callable[[Pool], Awaitable[T]], *, window: int = 4) -> T:
    async def run() -> T:
        pool = Pool("v", launch, window)
        watch = asyncio.create_task(pool.watch())
        pool.resize(count)
        await pool.become_ready()
        try:
            return await then(pool)
        finally:
            watch.cancel()
            await pool.close()

    return asyncio.run(run())


async def asked(pool: Pool, *bodies: bytes) -> list[Reply]:
    calls = [call(body) for body in bodies]
    for one in calls:
        pool.submit(one)
    return [await asyncio.wait_for(one.answered, 30) for one in calls]


def test_every_call_gets_its_own_answer_and_all_replicas_work():
    async def ask(pool: Pool) -> tuple[list[Reply], list[float]]:
        replies = await asked(pool, *(b"%d" % n for n in range(30)))
        return replies, [replica.busy_s for replica in pool.replicas]

    replies, busy = with_pool(2, ask)
    assert [reply.body for reply in replies] == [b"%d" % n for n in range(30)]
    assert all(busy)


def test_a_replica_that_dies_is_replaced_and_its_calls_are_given_to_another(tmp_path):
    path = str(tmp_path / "died").encode()

    async def ask(pool: Pool) -> tuple[list[Reply], int]:
        replies = await asked(pool, b"a", b"once " + path, b"b", b"c")
        pool_count = pool.restarts
        while len(pool.replicas) < 2:
            await asyncio.sleep(0.01)
        return replies, pool_count

    replies, restarts = with_pool(2, ask)
    assert [reply.status for reply in replies] == [200] * 4
    assert restarts == 1


def test_a_call_that_kills_is_not_given_to_a_third():
    async def ask(pool: Pool) -> tuple[list[Reply], int]:
        replies = await asked(pool, b"die")
        return [*replies, *(await asked(pool, b"well"))], pool.restarts

    (died, well), restarts = with_pool(2, ask, window=1)
    assert (died.status, died.body) == (424, b"the model's process ended 2 times at this request")
    assert well.status == 200
    assert restarts == 2


def test_what_is_too_much_is_refused_at_once_and_the_rest_is_answered():
    async def ask(pool: Pool) -> tuple[int, list[Reply]]:
        await asked(pool, b"slow", b"slow")
        calls = [call(b"slow") for _ in range(200)]
        taken = []
        for one in calls:
            try:
                pool.submit(one)
            except Full as full:
                assert full.retry_after_s >= 1  # noqa: PT017  # reason: only looked at
            else:
                taken.append(one)
        return len(calls) - len(taken), [await asyncio.wait_for(one.answered, 30) for one in taken]

    refused, replies = with_pool(1, ask, window=1)
    assert refused > 100
    assert {reply.status for reply in replies} == {200}


def test_a_replica_that_hangs_is_ended_and_the_others_calls_are_answered(monkeypatch):
    monkeypatch.setattr(pools, "INVOCATION_TIMEOUT_S", 0.5)
    monkeypatch.setattr(pools, "_LOOK_EVERY_S", 0.05)

    async def ask(pool: Pool) -> list[Reply]:
        return await asked(pool, b"hang", b"behind it")

    hung, behind = with_pool(1, ask)
    assert (hung.status, b"did not answer within" in hung.body) == (424, True)
    assert behind.status in (200, 424)


def test_none_wanted_is_woken_by_a_call():
    async def ask(pool: Pool) -> list[Reply]:
        pool.resize(0)
        while pool.replicas:
            await asyncio.sleep(0.01)
        return await asked(pool, b"wake")

    assert with_pool(1, ask)[0].body == b"WAKE"


def test_shrinking_finishes_what_was_begun():
    async def ask(pool: Pool) -> list[Reply]:
        calls = [call(b"slow") for _ in range(4)]
        for one in calls:
            pool.submit(one)
        pool.resize(1)
        assert len([one for one in pool.replicas if not one.is_draining]) == 1
        return [await asyncio.wait_for(one.answered, 30) for one in calls]

    assert {reply.status for reply in with_pool(2, ask)} == {200}


def test_a_start_that_fails_is_told():
    async def run() -> None:
        pool = Pool("v", lambda owner, number: launch(owner, number, "refuse"), 4)
        pool.resize(1)
        try:
            with pytest.raises(ReplicaFailed, match="no weights"):
                await asyncio.wait_for(pool.become_ready(), 30)
        finally:
            await pool.close()

    asyncio.run(run())


def test_a_call_that_nobody_waits_for_is_passed_over():
    async def ask(pool: Pool) -> int:
        calls = [call(b"slow") for _ in range(6)]
        for one in calls:
            pool.submit(one)
        calls[5].answered.cancel()
        before = pool.rate.per_s(time.monotonic())
        for one in calls[:5]:
            await asyncio.wait_for(one.answered, 30)
        await asyncio.sleep(0)
        assert before >= 0
        return len(pool.waiting)

    assert with_pool(1, ask, window=1) == 0
