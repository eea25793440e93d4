"""A transport that joins the writes of one turn of the event loop."""

import asyncio

from naiad.service.gateway.http.coalescing_transport import CoalescingTransport


class RecordingTransport:
    """Records what it is told to do."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def close(self) -> None:
        self.calls.append("close")

    def is_closing(self) -> bool:
        return "close" in self.calls


def test_writes_of_one_turn_are_joined():
    async def run() -> list[object]:
        recording = RecordingTransport()
        transport = CoalescingTransport(recording, asyncio.get_running_loop())
        transport.write(b"head")
        transport.write(b"body")
        assert recording.calls == []
        await asyncio.sleep(0)
        transport.write(b"next")
        await asyncio.sleep(0)
        return recording.calls

    assert asyncio.run(run()) == [b"headbody", b"next"]


def test_large_writes_go_out_at_once_and_in_order():
    async def run() -> list[object]:
        recording = RecordingTransport()
        transport = CoalescingTransport(recording, asyncio.get_running_loop())
        transport.write(b"a")
        transport.write(b"b" * 70_000)
        assert recording.calls == [b"a" + b"b" * 70_000]
        recording.calls.clear()
        large = bytes(2**20 + 1)
        transport.write(b"a")
        transport.write(large)
        assert recording.calls.pop(0) == b"a"
        assert recording.calls[0] is large
        await asyncio.sleep(0)
        return recording.calls

    assert len(asyncio.run(run())) == 1


def test_closing_writes_what_is_pending():
    async def run() -> list[object]:
        recording = RecordingTransport()
        transport = CoalescingTransport(recording, asyncio.get_running_loop())
        transport.write(b"last")
        transport.close()
        assert transport.is_closing()
        await asyncio.sleep(0)
        return recording.calls

    assert asyncio.run(run()) == [b"last", "close"]
