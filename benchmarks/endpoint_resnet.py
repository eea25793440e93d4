"""ResNet-18 at 224×224 behind an endpoint, against the best engine in a loop without a server, on the same cores; interleaved.

python benchmarks/endpoint_resnet.py [rounds]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from botocore.credentials import Credentials
from live import live
from log import row

import naiad
from naiad.client.bench import Target, growing
from naiad.client.connection import connect
from naiad.trainer.loop.progress import Silent

SECONDS, CONNECTIONS = 8.0, 4
SCRIPT = "endpoint_resnet.py"
LOOP = """
import sys, time
from pathlib import Path
import numpy as np
from naiad.service.endpoints.worker.artifact import open_artifact
from naiad.service.endpoints.worker.engines.open import open_engine
folder, name, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
engine = open_engine(name, open_artifact(Path(folder)), threads)
raw = np.random.default_rng(0).integers(0, 256, (1, 3, 224, 224), dtype=np.uint8)
for _ in range(5):
    engine.run(raw)
print("ready", flush=True)
sys.stdin.readline()
count, began = 0, time.monotonic()
while time.monotonic() - began < seconds:
    engine.run(raw)
    count += 1
print(count / (time.monotonic() - began), flush=True)
"""


def in_a_loop(artifact: Path, engine: str, *, processes: int, threads: int) -> float:
    """Images a second of all processes together; they begin at the same time."""
    words = [sys.executable, "-c", LOOP, str(artifact), engine, str(threads), str(SECONDS)]
    running = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return sum(float(process.communicate()[0]) for process in running)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 3, 224, 224), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder, live("--no-warm") as server:
        artifact = Path(folder) / "resnet"
        labels = np.repeat(["a", "b"], 10)
        naiad.fit("torchvision/resnet18", (images, labels), epochs=1, report=False, progress=Silent()).save(artifact)
        connection, at = connect(state=server.state), server.address
        began = time.perf_counter()
        endpoint = connection.deploy(artifact, "resnet")
        took = time.perf_counter() - began
        lines = [line for line in endpoint.logs() if "engine" in line]
        print("\n".join(lines), flush=True)
        engine = lines[-1].partition("engine chosen: ")[2].partition(",")[0]
        target = Target(
            at.url,
            at.region,
            Credentials(at.access_key, at.secret_key),
            "resnet",
            images[0].tobytes(),
            "application/octet-stream",
        )
        served, looped, shapes = [], [], []
        for _ in range(rounds):
            (load,) = growing(target, connections=[CONNECTIONS], duration_s=SECONDS)
            assert not load.failed + load.refused, load
            served.append(load.rate)
            found = {
                "two processes of a thread": in_a_loop(artifact, engine, processes=2, threads=1),
                "one process of two threads": in_a_loop(artifact, engine, processes=1, threads=2),
            }
            shapes.append(max(found, key=lambda shape: found[shape]))
            looped.append(max(found.values()))
            print(json.dumps({"served": served[-1], "p99_ms": load.p99_ms, **found}), flush=True)
    note = (
        f"{engine}; {CONNECTIONS} connections of one Python process on the same cores; 150,528 bytes a request, signed"
    )
    print(row("ResNet-18 224×224: images a second by InvokeEndpoint", served, unit="/s", script=SCRIPT, note=note))
    print(
        row(
            f"the same engine in a loop, the best of {', '.join(sorted(set(shapes)))}", looped, unit="/s", script=SCRIPT
        )
    )
    ratios = [a / b for a, b in zip(served, looped, strict=True)]
    print(row("endpoint ÷ loop", ratios, unit="×", goal="≥ 0.9", script=SCRIPT))
    print(row("deployment of ResNet-18, from the call to InService", [took], unit="s", script=SCRIPT))


if __name__ == "__main__":
    main()
