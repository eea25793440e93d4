"""Requests a second of an endpoint against LitServe, Ray Serve and a bare server, LeNet size, JSON bodies; one interleaved run.

python benchmarks/endpoint_load.py --litserve ENV --ray ENV [--rounds 5]

ENV: environments with ``pip install litserve==0.2.19 onnxruntime numpy``, and with ``'ray[serve]==2.60.0' onnxruntime numpy``.
The load is wrk's (one thread, on the same cores as all else). Naiad's requests are signed, each body beforehand.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from live import live
from log import row

import naiad
from naiad.client.connection import connect
from naiad.trainer.loop.progress import Silent

HERE = Path(__file__).parent
BODIES = 300
WARM_UP_S, MEASURE_S = 2, 8
CONNECTIONS = {"ray": 4}
"""Where not 32. Ray Serve is fastest with four: with 32 its router backs off, and some requests take longer than wrk waits."""
PORTS = {"litserve": 18_701, "ray": 18_702, "bare": 18_703, "own port": 18_704}
HALF = 3
"""Connections that make about half of the highest rate."""
SETTLE_S = 3
"""After a peer's end, as it may have started processes that end later."""
SCRIPT = "endpoint_load.py"


@dataclass(frozen=True)
class Seen:
    rate: float
    p50_ms: float
    p99_ms: float
    requests: int
    bad: int


def bodies() -> list[bytes]:
    """JSON of 784 whole numbers, as pictures of clothes have them: half of them are black."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (BODIES, 784)) * random.integers(0, 2, (BODIES, 784))
    return [json.dumps(picture.tolist(), separators=(",", ":")).encode() for picture in pictures]


def wrk(url: str, path: str, requests: Path, *, seconds: int, connections: int) -> Seen:
    environment = {**os.environ, "WRK_REQUESTS": str(requests), "WRK_PATH": path}
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "wrk.lua"), url]
    said = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
    line = next(line for line in said.splitlines() if line.startswith("RESULT"))
    rate, p50, p99, count, bad = (float(word) for word in line.split()[1:])
    return Seen(rate, p50, p99, int(count), int(bad))


def write_requests(file: Path, headers_of: Callable[[bytes], Mapping[str, str]]) -> None:
    """As a table in Lua; JSON's texts are Lua's."""
    lines = []
    for body in bodies():
        headers = ",".join(f"[{json.dumps(name)}]={json.dumps(value)}" for name, value in headers_of(body).items())
        lines.append(f"{{headers={{{headers}}},body={json.dumps(body.decode())}}},")
    file.write_text("return {\n" + "\n".join(lines) + "\n}\n", encoding="utf-8")


@contextmanager
def peer(python: str, name: str, artifact: Path) -> Iterator[str]:
    port = PORTS[name]
    script = {"litserve": "litserve_app.py", "ray": "ray_serve_app.py", "bare": "bare_asgi.py"}[name]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [python, script, str(port), str(artifact)],
            cwd=HERE / "peers",
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(url + ("/predict" if name == "litserve" else "/"), process)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(SETTLE_S)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until a picture is answered."""
    until = time.monotonic() + 120
    request = urllib.request.Request(
        url, data=json.dumps([0] * 784).encode(), headers={"Content-Type": "application/json"}
    )
    while True:
        try:
            urllib.request.urlopen(request, timeout=5).read()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--litserve", required=True)
    parser.add_argument("--ray", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    pythons = {"litserve": f"{given.litserve}/bin/python", "ray": f"{given.ray}/bin/python", "bare": sys.executable}
    found: dict[str, list[Seen]] = defaultdict(list)
    half: list[float] = []
    deployed: list[float] = []
    with tempfile.TemporaryDirectory() as folder, live("--no-warm") as server:
        artifact, requests = Path(folder) / "shoes", Path(folder) / "requests.lua"
        naiad.fit("simplenet", "fashion-mnist", epochs=1, report=False, progress=Silent()).save(artifact)
        connection = connect(state=server.state)
        began = time.perf_counter()
        environment = {"NAIAD_REPLICA_PORT": str(PORTS["own port"])}
        endpoint = connection.deploy(artifact, "shoes", environment=environment)
        deployed.append(time.perf_counter() - began)
        address = server.address
        credentials = Credentials(address.access_key, address.secret_key)
        path = "/endpoints/shoes/invocations"

        def signed(body: bytes) -> Mapping[str, str]:
            request = AWSRequest("POST", address.url + path, data=body, headers={"Content-Type": "application/json"})
            SigV4Auth(credentials, "sagemaker", address.region).add_auth(request)
            return dict(request.headers.items())

        def plain(_body: bytes) -> Mapping[str, str]:
            return {"Content-Type": "application/json"}

        def measured(name: str, url: str, at: str, headers_of: Callable[[bytes], Mapping[str, str]]) -> None:
            write_requests(requests, headers_of)
            count = CONNECTIONS.get(name, 32)
            wrk(url, at, requests, seconds=WARM_UP_S, connections=count)
            seen = wrk(url, at, requests, seconds=MEASURE_S, connections=count)
            assert not seen.bad, (name, seen)
            found[name].append(seen)
            print(name, seen, flush=True)

        for _ in range(given.rounds):
            measured("signed", address.url, path, signed)
            measured("own port", f"http://127.0.0.1:{PORTS['own port']}", "/invocations", plain)
            write_requests(requests, signed)
            seen = wrk(address.url, path, requests, seconds=MEASURE_S, connections=HALF)
            half.append(seen.p99_ms / seen.p50_ms)
            print("half load", seen, flush=True)
            for name in ("bare", "litserve", "ray"):
                with peer(pythons[name], name, artifact) as url:
                    measured(name, url, "/predict" if name == "litserve" else "/", plain)
        for number in range(given.rounds - 1):
            endpoint.delete()
            server.client("sagemaker").get_waiter("endpoint_deleted").wait(
                EndpointName="shoes", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
            began = time.perf_counter()
            endpoint = connection.deploy(artifact, f"shoes-{number}")
            deployed.append(time.perf_counter() - began)
    tell(found, half, deployed)


def tell(found: Mapping[str, list[Seen]], half: list[float], deployed: list[float]) -> None:
    load = "wrk -t1 -c32 on the same two cores"
    for name, claim in (
        ("signed", "LeNet, JSON: signed InvokeEndpoint"),
        ("own port", "LeNet, JSON: the replicas' own port"),
        ("bare", "LeNet, JSON: raw ASGI with ONNX Runtime, two processes"),
        ("litserve", "LeNet, JSON: LitServe, defaults, with ONNX Runtime"),
        ("ray", "LeNet, JSON: Ray Serve, defaults, with ONNX Runtime"),
    ):
        rates = [seen.rate for seen in found[name]]
        p99 = sorted(seen.p99_ms for seen in found[name])[len(rates) // 2]
        p50 = sorted(seen.p50_ms for seen in found[name])[len(rates) // 2]
        print(
            row(
                claim,
                rates,
                unit="/s",
                script=SCRIPT,
                note=f"{load.replace('32', str(CONNECTIONS.get(name, 32)))}; p50 {p50:.1f} ms, p99 {p99:.1f} ms",
            )
        )
    for over, under, goal in (("signed", "litserve", "≥ 5"), ("signed", "ray", "≥ 10"), ("own port", "bare", "≥ 0.8")):
        pairs = zip(found[over], found[under], strict=True)
        print(row(f"{over} ÷ {under}", [a.rate / b.rate for a, b in pairs], unit="×", goal=goal, script=SCRIPT))
    print(
        row(
            "signed at half load: p99 ÷ p50",
            half,
            unit="×",
            goal="< 2",
            script=SCRIPT,
            note=f"wrk with {HALF} connections",
        )
    )
    print(row("deployment of an artifact, from the call to InService", deployed, unit="s", goal="< 5 s", script=SCRIPT))


if __name__ == "__main__":
    main()
