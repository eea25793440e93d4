"""The S3 door alone, without authentication, on a port of the system's choice: ``s3_server.py FOLDER`` prints the port."""

import itertools
import socket
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import uvicorn

from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.domain.clock import SystemClock
from naiad.service.domain.errors import Invalid
from naiad.service.gateway.request import Principal, Request
from naiad.service.gateway.s3.door import S3Door

NUMBERS = itertools.count(1)


async def body_of(receive):
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Invalid("the body ended before its length")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


def request_of(scope, receive):
    return Request(
        method=scope["method"],
        raw_path=scope["raw_path"].decode(),
        query=tuple(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
        headers={name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
        principal=Principal("none", "anybody"),
        body=body_of(receive),
        request_id=f"request-{next(NUMBERS)}",
    )


def app_of(door):
    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        response = await door.handle(request_of(scope, receive))
        headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if isinstance(response.body, bytes):
            await send({"type": "http.response.body", "body": response.body})
            return
        async for piece in response.body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    return app


def serve(folder: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    door = S3Door(FolderBlobStore(folder), SystemClock(), "eu-central-1")
    uvicorn.Server(uvicorn.Config(app_of(door), log_level="warning", lifespan="off")).run(sockets=[listener])


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
