"""The model of every peer: ONNX Runtime with an artifact's model.onnx and one thread. For environments without Naiad."""

import json
from pathlib import Path

import numpy as np
import onnxruntime


class Model:
    """Model of 784 integers in, ten scores out."""

    def __init__(self, folder: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            str(Path(folder) / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.classes = json.loads((Path(folder) / "naiad.json").read_text())["classes"]

    def predict(self, pixels: list[int]) -> list[float]:
        raw = np.array(pixels, dtype=np.uint8).reshape(1, 1, 28, 28)
        return self.session.run(None, {"raw": raw})[0][0].tolist()
