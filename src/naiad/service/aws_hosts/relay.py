"""Bytes both ways between two connections: as fast as the slower one takes them, until both ends or a long silence."""

import asyncio
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass

_PART_BYTES = 64 * 1024
_CLOSING_S = 2


@dataclass(frozen=True)
class Connection:
    reader: StreamReader
    writer: StreamWriter

    async def close(self) -> None:
        """What was written is sent first, as long as the other side takes it."""
        self.writer.close()
        try:
            async with asyncio.timeout(_CLOSING_S):
                await self.writer.wait_closed()
        except OSError:
            pass  # it broke, or the other side does not take its end (TimeoutError)
        finally:
            self.writer.transport.abort()  # nothing where it is closed already


async def relay(one: Connection, other: Connection, *, idle_s: float) -> None:
    """Closes both. An end of one side is passed on as an end, the other direction goes on."""
    try:
        async with asyncio.timeout(idle_s) as silence, asyncio.TaskGroup() as group:
            group.create_task(_pump(one, other, silence, idle_s))
            group.create_task(_pump(other, one, silence, idle_s))
    except* OSError:
        pass  # a connection broke, or nothing moved (TimeoutError): both are over
    finally:
        await asyncio.gather(one.close(), other.close())


async def _pump(source: Connection, sink: Connection, silence: asyncio.Timeout, idle_s: float) -> None:
    loop = asyncio.get_running_loop()
    while part := await source.reader.read(_PART_BYTES):
        sink.writer.write(part)
        await sink.writer.drain()
        silence.reschedule(loop.time() + idle_s)
    if sink.writer.can_write_eof():
        sink.writer.write_eof()
    else:
        sink.writer.close()  # TLS has no half of an end
