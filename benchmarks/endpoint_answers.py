"""Prints the sha256 of a live endpoint's answers about an artifact's samples, one line a content type, for ``same_as_before.py``.

    python benchmarks/endpoint_answers.py runs/shoes

The script uses public names only, so that it runs on both sides of a comparison. The last line is the engine, since engines
differ in the last bits of a score.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import naiad

WITHIN_S = 60.0


def requests(samples: np.ndarray) -> Iterator[tuple[str, str, bytes]]:
    """Yields (content type, accept, body)."""
    rows = samples.reshape(len(samples), -1)
    array = io.BytesIO()
    np.save(array, samples)
    lines = "\n".join(",".join(map(str, row)) for row in rows.tolist())
    bodies = {
        "application/json": json.dumps({"instances": samples.tolist()}).encode(),
        "application/jsonlines": "\n".join(map(json.dumps, samples.tolist())).encode(),
        "text/csv": lines.encode(),
        "application/x-npy": array.getvalue(),
        "application/octet-stream": samples.tobytes(),
    }
    for content_type, body in bodies.items():
        for accept in ("application/json", "text/csv", "application/x-npy"):
            yield content_type, accept, body


def main(artifact: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["NAIAD_STATE"] = home
        command = [sys.executable, "-m", "naiad.cli", "serve", "--port", "0", "--no-warm"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
            try:
                ask(artifact, Path(home))
            finally:
                server.terminate()


def ask(artifact: Path, home: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not (home / "server.json").exists():
        assert time.monotonic() < deadline, "the server does not start"
        time.sleep(0.1)
    samples = np.asarray(naiad.load(artifact).samples)
    connection = naiad.connect()
    connection.deploy(artifact, "same")
    runtime = connection.client("sagemaker-runtime")
    for content_type, accept, body in requests(samples):
        answer = runtime.invoke_endpoint(EndpointName="same", ContentType=content_type, Accept=accept, Body=body)
        digest = hashlib.sha256(answer["Body"].read()).hexdigest()
        print(content_type, accept, answer["ContentType"], digest)
    measured = json.loads((artifact / "engines.json").read_text(encoding="utf-8"))
    print("engine", measured["chosen"])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
