"""Ray Serve in its documented style, with its defaults: python ray_serve_app.py PORT ARTIFACT.

Needs ray[serve], onnxruntime, numpy.
"""

import sys
import time
from pathlib import Path

import ray
from ray import serve
from starlette.requests import Request


@serve.deployment
class Shoes:
    def __init__(self, folder: str, home: str) -> None:
        sys.path.insert(0, home)
        from model import Model  # noqa: PLC0415  # reason: in an actor, whose path is set first

        self.model = Model(folder)

    async def __call__(self, request: Request) -> dict[str, list[float]]:
        return {"scores": self.model.predict(await request.json())}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Shoes.bind(sys.argv[2], str(Path(__file__).resolve().parent)), route_prefix="/")
    while True:
        time.sleep(1)
