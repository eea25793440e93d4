"""Compares ResNet-18 at 224×224 behind an endpoint with the same engine in a loop without a server, on the same cores.

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
from live_server import serve
from log import log_row

import naiad
from naiad.client.connection import connect
from naiad.client.endpoint_benchmark import BenchmarkTarget, measure_loads
from naiad.trainer.loop.progress import SilentProgress

SECONDS, CONNECTIONS = 8.0, 4
SCRIPT = "endpoint_resnet.py"
LOOP = """
import sys, time
from pathlib import Path
import numpy as np
from naiad.service.endpoints.worker.artifact import open_artifact
from naiad.service.endpoints.worker.engines.loader import load_engine
folder, name, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
engine = load_engine(name, open_artifact(Path(folder)), threads)
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


def run_loop(artifact: Path, engine: str, *, processes: int, threads: int) -> float:
    """Returns the images a second of all processes together. They start at the same time."""
    command = [sys.executable, "-c", LOOP, str(artifact), engine, str(threads), str(SECONDS)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return sum(float(process.communicate()[0]) for process in running)


def print_rows(
    engine: str, endpoint_rates: list[float], loop_rates: list[float], best_layouts: list[str], deployment_s: float
) -> None:
    note = (
        f"{engine}; {CONNECTIONS} connections of one Python process on the same cores; 150,528 bytes a request, signed"
    )
    claim = "ResNet-18 224×224: images a second by InvokeEndpoint"
    print(log_row(claim, endpoint_rates, unit="/s", script=SCRIPT, note=note))
    claim = f"the same engine in a loop, the best of {', '.join(sorted(set(best_layouts)))}"
    print(log_row(claim, loop_rates, unit="/s", script=SCRIPT))
    ratios = [endpoint / loop for endpoint, loop in zip(endpoint_rates, loop_rates, strict=True)]
    print(log_row("endpoint ÷ loop", ratios, unit="×", goal="≥ 0.9", script=SCRIPT))
    print(log_row("deployment of ResNet-18, from the call to InService", [deployment_s], unit="s", script=SCRIPT))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 3, 224, 224), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder, serve("--no-warm") as server:
        artifact = Path(folder) / "resnet"
        labels = np.repeat(["a", "b"], 10)
        naiad.fit("torchvision/resnet18", (images, labels), epochs=1, report=False, progress=SilentProgress()).save(
            artifact
        )
        connection, address = connect(state=server.state), server.address
        started = time.perf_counter()
        endpoint = connection.deploy(artifact, "resnet")
        deployment_s = time.perf_counter() - started
        lines = [line for line in endpoint.logs() if "engine" in line]
        print("\n".join(lines), flush=True)
        engine = lines[-1].partition("engine chosen: ")[2].partition(",")[0]
        target = BenchmarkTarget(
            address.url,
            address.region,
            Credentials(address.access_key, address.secret_key),
            "resnet",
            images[0].tobytes(),
            "application/octet-stream",
        )
        endpoint_rates, loop_rates, best_layouts = [], [], []
        for _ in range(rounds):
            (load,) = measure_loads(target, connections=[CONNECTIONS], duration_s=SECONDS)
            assert not load.failed + load.refused, load
            endpoint_rates.append(load.rate)
            rates = {
                "two processes of a thread": run_loop(artifact, engine, processes=2, threads=1),
                "one process of two threads": run_loop(artifact, engine, processes=1, threads=2),
            }
            best_layouts.append(max(rates, key=lambda layout: rates[layout]))
            loop_rates.append(max(rates.values()))
            print(json.dumps({"served": endpoint_rates[-1], "p99_ms": load.p99_ms, **rates}), flush=True)
    print_rows(engine, endpoint_rates, loop_rates, best_layouts, deployment_s)


if __name__ == "__main__":
    main()
