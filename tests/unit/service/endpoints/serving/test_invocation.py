import asyncio

import pytest

from naiad.service.endpoints.frames import PAUSE, RESUME, STOP
from naiad.service.endpoints.serving import invocation as invocation_module
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse


def test_a_slow_client_pauses_its_stream_and_one_that_has_gone_stops_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(invocation_module, "_MAX_BUFFERED_BYTES", 10)

    async def run() -> tuple[list[int], list[bytes]]:
        flags: list[int] = []
        response = asyncio.get_running_loop().create_future()
        invocation = Invocation(b"", b"", response, 0.0, is_streaming=True)
        for number in range(4):
            invocation.stream_chunk(InvocationResponse(200, "a/b", "", b"%d2345" % number), flags.append)
        invocation.respond(InvocationResponse(200, "a/b", "", b""))
        assert flags == [PAUSE]
        chunk = await invocation.response
        bodies = [chunk.body]
        while chunk.stream is not None:
            stream, chunk = chunk.stream, await chunk.stream.get()
            bodies.append(chunk.body)
        stream.stop()
        return flags, bodies

    flags, bodies = asyncio.run(run())
    assert flags == [PAUSE, RESUME, STOP]
    assert bodies == [b"02345", b"12345", b"22345", b"32345", b""]


def test_an_invocation_is_finished_when_its_client_has_gone():
    async def run() -> tuple[bool, bool]:
        invocation = Invocation(b"", b"", asyncio.get_running_loop().create_future(), 0.0)
        before = invocation.is_finished
        invocation.response.cancel()
        invocation.respond(InvocationResponse(200, "", "", b""))
        return before, invocation.is_finished

    assert asyncio.run(run()) == (False, True)
