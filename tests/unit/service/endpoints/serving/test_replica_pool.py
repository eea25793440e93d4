"""A pool with replicas that are processes; what they answer is written here, and they die when a body says so."""

import asyncio
import fcntl
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from naiad.service.endpoints.frames import GO, PAUSE, STOP, meta_of
from naiad.service.endpoints.serving import invocation
from naiad.service.endpoints.serving import replica as replicas
from naiad.service.endpoints.serving import replica_pool as pools
from naiad.service.endpoints.serving.invocation import Call, Full, Reply
from naiad.service.endpoints.serving.replica import Replica, ReplicaFailed
from naiad.service.endpoints.serving.replica_pool import Pool

T = TypeVar("T")
WORKER = """
import os, socket, sys, time
from naiad.service.endpoints.worker.link import COUNTED, MORE, ORIGINAL, READY, STOP, Unpacker, meta_of, packed
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
        if frame.body.startswith(b"parts "):
            for part in (b"one", b"two"):
                link.sendall(packed(frame.id, 400 if frame.body == b"parts own" else 200, b"", part, flags=MORE))
            if frame.body == b"parts never":
                link.sendall(packed(frame.id, 200, b"", b"three", flags=MORE))
                continue
            ends = {b"parts well": (200, b"end", 0), b"parts fail": (424, b"broke off", 0), b"parts own": (400, b"no", ORIGINAL)}
            status, end, flags = ends[frame.body]
            link.sendall(packed(frame.id, status, b"", end, flags=flags))
            continue
        if frame.body == b"late parts":
            late, stops = frame.id, []
            continue
        if frame.body == b"stopped?":
            link.sendall(packed(late, 200, b"", b"part", flags=MORE))
            while not stops:
                stops += [one.id for one in unpacker.feed(link.recv(65536)) if one.flags & STOP]
            link.sendall(packed(frame.id, 200, b"", b"%d" % stops[0]))
            continue
        if frame.body == b"counts":
            link.sendall(packed(COUNTED, 200, b"", b"[[200, 2, 0.5], [503, 1, 0]]"))
        if frame.flags:
            continue
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

    replies, busy = with_pool(2, ask, window=8)
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


def test_a_call_that_kills_is_not_given_to_a_fourth():
    async def ask(pool: Pool) -> tuple[list[Reply], int]:
        replies = await asked(pool, b"die")
        return [*replies, *(await asked(pool, b"well"))], pool.restarts

    (died, well), restarts = with_pool(2, ask, window=1)
    assert (died.status, died.body) == (424, b"the model's process ended 3 times at this request")
    assert well.status == 200
    assert restarts == 3


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
        return len(invocation) - len(taken), [await asyncio.wait_for(one.answered, 30) for one in taken]

    refused, replies = with_pool(1, ask, window=1)
    assert refused > 100
    assert {reply.status for reply in replies} == {200}


def test_a_replica_that_hangs_is_ended_and_the_others_calls_are_answered(monkeypatch):
    monkeypatch.setattr(pools, "_GRACE_S", 0.0)
    monkeypatch.setattr(pools, "_LOOK_EVERY_S", 0.05)

    async def ask(pool: Pool) -> list[Reply]:
        calls = [call(b"hang"), call(b"behind it")]
        calls[0].timeout_s = 0.5
        for one in calls:
            pool.submit(one)
        return [await asyncio.wait_for(one.answered, 30) for one in calls]

    hung, behind = with_pool(1, ask)
    assert (hung.status, hung.body) == (424, b"the model did not answer within 0.5 s")
    assert (behind.status, behind.body) == (200, b"BEHIND IT")


class Still:
    """The pulse of one that stands still from its first call on."""

    def is_still(self, now: float) -> bool:
        return now > 0

    def close(self) -> None: ...


def test_what_a_replica_had_that_stands_still_goes_to_another(monkeypatch):
    monkeypatch.setattr(pools, "_LOOK_EVERY_S", 0.05)

    async def ask(pool: Pool) -> tuple[list[Reply], int]:
        still = pool.replicas[0]
        still.pulse = Still()
        still.process.send_signal(signal.SIGSTOP)
        return await asked(pool, b"a", b"b", b"c", b"d"), pool.restarts

    replies, restarts = with_pool(2, ask)
    assert [reply.body for reply in replies] == [b"A", b"B", b"C", b"D"]
    assert restarts == 1


def test_parts_are_gathered_and_dropped_when_the_end_is_a_failure():
    async def ask(pool: Pool) -> list[Reply]:
        return await asked(pool, b"parts well", b"parts fail", b"parts own")

    well, fail, own = with_pool(1, ask)
    assert (well.status, well.body) == (200, b"onetwoend")
    assert (fail.status, fail.body) == (424, b"broke off")
    assert (own.status, own.original_status, own.body) == (424, 400, b"onetwono")


def test_an_answer_that_is_too_large_to_hold_is_refused(monkeypatch):
    monkeypatch.setattr(replicas, "_MOST_ANSWER_BYTES", 4)

    async def ask(pool: Pool) -> list[Reply]:
        return [*(await asked(pool, b"parts well")), *(await asked(pool, b"next"))]

    large, following = with_pool(1, ask)
    assert (large.status, b"larger than 4 bytes" in large.body) == (424, True)
    assert following.body == b"NEXT"


def test_a_slow_client_of_a_stream_pauses_it_and_one_that_has_gone_ends_it(monkeypatch):
    monkeypatch.setattr(invocation, "_MOST_HELD_BYTES", 10)

    async def run() -> tuple[list[int], list[bytes]]:
        flags: list[int] = []
        one = call(b"")
        one.wants_stream = True
        for number in range(4):
            one.pass_on(Reply(200, "a/b", "", b"%d2345" % number), flags.append)
        one.answer(Reply(200, "a/b", "", b""))
        assert flags == [PAUSE]
        first = await one.answered
        taken = [first.body]
        while first.more is not None:
            parts, first = first.more, await first.more.get()
            taken.append(first.body)
        parts.stop()
        return flags, taken

    flags, taken = asyncio.run(run())
    assert flags == [PAUSE, GO, STOP]
    assert taken == [b"02345", b"12345", b"22345", b"32345", b""]


def test_a_stream_that_begins_when_it_was_given_up_is_ended():
    async def ask(pool: Pool) -> Reply:
        (replica,) = pool.replicas
        replica._numbers = itertools.count(20)
        waiting = call(b"late parts")
        waiting.wants_stream = True
        pool.submit(waiting)
        replica.give_up(20, Reply(503, "", "", b""))
        return (await asked(pool, b"stopped?"))[0]

    assert with_pool(1, ask).body == b"20"


def test_a_client_that_takes_nothing_does_not_keep_a_replica(monkeypatch):
    monkeypatch.setattr(invocation, "_MOST_HELD_BYTES", 3)
    monkeypatch.setattr(pools, "_TAKEN_WITHIN_S", 0.0)
    monkeypatch.setattr(pools, "_LOOK_EVERY_S", 0.01)

    async def ask(pool: Pool) -> tuple[list[Reply], int, list[Reply]]:
        one = call(b"parts never")
        one.wants_stream = True
        pool.submit(one)
        first = await asyncio.wait_for(one.answered, 30)
        while pool.replicas[0].in_flight:
            await asyncio.sleep(0)
        found = [first]
        while found[-1].more is not None:
            found.append(await asyncio.wait_for(found[-1].more.get(), 30))
        return found, pool.restarts, await asked(pool, b"next")

    found, restarts, (following,) = with_pool(1, ask)
    assert [reply.body for reply in found] == [b"one", b"two", b"three", b"no part was taken for 0 s"]
    assert (found[-1].status, restarts, following.body) == (424, 0, b"NEXT")


def test_what_came_by_a_replicas_own_port_is_counted_and_keeps_it_awake():
    counted: list[tuple[int, float]] = []

    async def ask(pool: Pool) -> float:
        pool.on_done = lambda one, reply: counted.append((reply.status, one.asked_at))
        pool.last_asked_at = 1.0
        await asked(pool, b"counts")
        return pool.last_asked_at

    assert with_pool(1, ask) > 1.0
    assert [status for status, _ in counted] == [200, 200, 503, 200]


def test_a_pool_that_was_never_asked_is_as_old_as_its_first_replica():
    async def ask(pool: Pool) -> float:
        return time.monotonic() - pool.last_asked_at

    assert with_pool(1, ask) < 60


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
