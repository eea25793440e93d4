import asyncio

from naiad.service.gateway.gathering import GatheringTransport


class Notes:
    """What a transport was told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def close(self) -> None:
        self.told.append("close")

    def is_closing(self) -> bool:
        return "close" in self.told


def test_what_is_written_in_one_turn_goes_out_together():
    async def run() -> list[object]:
        notes = Notes()
        transport = GatheringTransport(notes, asyncio.get_running_loop())
        transport.write(b"head")
        transport.write(b"body")
        assert notes.told == []
        await asyncio.sleep(0)
        transport.write(b"next")
        await asyncio.sleep(0)
        return notes.told

    assert asyncio.run(run()) == [b"headbody", b"next"]


def test_much_is_written_at_once_and_in_order():
    async def run() -> list[object]:
        notes = Notes()
        transport = GatheringTransport(notes, asyncio.get_running_loop())
        transport.write(b"a")
        transport.write(b"b" * 70_000)
        assert notes.told == [b"a" + b"b" * 70_000]
        await asyncio.sleep(0)
        return notes.told

    assert len(asyncio.run(run())) == 1


def test_closing_writes_first():
    async def run() -> list[object]:
        notes = Notes()
        transport = GatheringTransport(notes, asyncio.get_running_loop())
        transport.write(b"last")
        transport.close()
        assert transport.is_closing()
        await asyncio.sleep(0)
        return notes.told

    assert asyncio.run(run()) == [b"last", "close"]
