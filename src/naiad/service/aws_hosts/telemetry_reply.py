"""The answer to usage reports of the SageMaker SDKs: 200; nothing is stored or passed on."""

import asyncio

from naiad.service.aws_hosts.connect_request import HEAD_END
from naiad.service.aws_hosts.tunnel import StreamConnection

_HEAD_TIMEOUT_S = 10
_RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close" + HEAD_END


async def reply(client: StreamConnection) -> None:
    """Answers one report and closes the connection, also when the report is too long for the reader, or does not come."""
    try:
        async with asyncio.timeout(_HEAD_TIMEOUT_S):
            await client.reader.readuntil(HEAD_END)
            client.writer.write(_RESPONSE)
            await client.writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        await client.close()
