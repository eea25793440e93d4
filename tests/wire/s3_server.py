"""S3's API without authentication, on a port of the system's choice: ``s3_server.py FOLDER`` prints the port."""

import itertools
import socket
import sys
from pathlib import Path

import uvicorn

from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.domain.scope import ALL_SCOPES
from naiad.service.gateway.http.body import stream_body
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import send_response
from naiad.service.gateway.s3.service import S3Service
from naiad.service.gateway.signing.authenticator import Principal

ANYBODY = Principal("none", "anybody", scopes=ALL_SCOPES)
NUMBERS = itertools.count(1)


def make_app(service):
    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        request = Request.from_asgi(scope, receive, f"request-{next(NUMBERS)}")
        response = await service.handle(request, ANYBODY, stream_body(receive, None), {})
        await send_response(response, send, without_body=request.method == "HEAD")

    return app


def serve(folder: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    service = S3Service(FolderBlobStore(folder), "eu-central-1")
    uvicorn.Server(uvicorn.Config(make_app(service), log_level="warning", lifespan="off")).run(sockets=[listener])


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
