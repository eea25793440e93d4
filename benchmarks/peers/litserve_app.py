"""LitServe in its documented style, with its defaults: python litserve_app.py PORT ARTIFACT.

Needs litserve, onnxruntime, numpy.
"""

import sys

import litserve
from model import Model


class Shoes(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002  # reason: LitServe's signature
        self.model = Model(sys.argv[2])

    def decode_request(self, request: list[int]) -> list[int]:
        return request

    def predict(self, pixels: list[int]) -> list[float]:
        return self.model.predict(pixels)

    def encode_response(self, scores: list[float]) -> dict[str, list[float]]:
        return {"scores": scores}


if __name__ == "__main__":
    litserve.LitServer(Shoes(), accelerator="cpu").run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning"
    )
