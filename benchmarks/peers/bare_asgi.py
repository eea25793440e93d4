"""The fastest bare server known: raw ASGI and ONNX Runtime under uvicorn, two processes: python bare_asgi.py PORT ARTIFACT.

Needs uvicorn with uvloop and httptools, orjson, onnxruntime, numpy.
"""

import os
import sys
from typing import Any

import orjson
import uvicorn
from model import Model

_MODEL = Model(os.environ["ARTIFACT"]) if "ARTIFACT" in os.environ else None


async def app(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    parts = []
    while True:
        message = await receive()
        parts.append(message["body"])
        if not message.get("more_body"):
            break
    body = orjson.dumps(_MODEL.predict(orjson.loads(b"".join(parts))))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    os.environ["ARTIFACT"] = sys.argv[2]
    uvicorn.run(
        "bare_asgi:app",
        host="127.0.0.1",
        port=int(sys.argv[1]),
        workers=2,
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
