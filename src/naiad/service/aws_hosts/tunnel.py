"""A tunnel between two connections: bytes both ways, as fast as the slower side takes them, until both end or fall silent."""

import asyncio
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass

_READ_BYTES = 64 * 1024
_CLOSE_TIMEOUT_S = 2


@dataclass(frozen=True)
class StreamConnection:
    """A connection as asyncio's pair of streams."""

    reader: StreamReader
    writer: StreamWriter

    async def close(self) -> None:
        """Sends what was written first, as long as the other side takes it."""
        self.writer.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self.writer.wait_closed()
        except OSError:
            pass  # the connection broke, or the other side does not take its end (TimeoutError)
        finally:
            self.writer.transport.abort()  # does nothing where it is closed already


async def tunnel(one: StreamConnection, other: StreamConnection, *, idle_timeout_s: float) -> None:
    """Closes both at the end. The end of one side is passed on as an end; the other direction continues."""
    try:
        async with asyncio.timeout(idle_timeout_s) as idle, asyncio.TaskGroup() as group:
            group.create_task(_pump(one, other, idle, idle_timeout_s))
            group.create_task(_pump(other, one, idle, idle_timeout_s))
    except* OSError:
        pass  # a connection broke, or nothing moved (TimeoutError): both are over
    finally:
        await asyncio.gather(one.close(), other.close())


async def _pump(source: StreamConnection, sink: StreamConnection, idle: asyncio.Timeout, idle_timeout_s: float) -> None:
    loop = asyncio.get_running_loop()
    while data := await source.reader.read(_READ_BYTES):
        sink.writer.write(data)
        await sink.writer.drain()
        idle.reschedule(loop.time() + idle_timeout_s)
    if sink.writer.can_write_eof():
        sink.writer.write_eof()
    else:
        sink.writer.close()  # TLS cannot be closed in one direction only
