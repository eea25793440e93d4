"""The answer to the SageMaker SDKs' reports of use: thanks, and nothing is kept or passed on."""

import asyncio

from naiad.service.aws_hosts.head import END
from naiad.service.aws_hosts.relay import Connection

_HEAD_S = 10
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close" + END


async def answer(client: Connection) -> None:
    """Closes the connection, also when the request is too long (the reader's limit) or does not come."""
    try:
        async with asyncio.timeout(_HEAD_S):
            await client.reader.readuntil(END)
            client.writer.write(_ANSWER)
            await client.writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        await client.close()
