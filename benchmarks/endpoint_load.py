"""Compares an endpoint's requests a second with LitServe, Ray Serve and a bare server: LeNet, JSON bodies, one interleaved run.

python benchmarks/endpoint_load.py --litserve ENV --ray ENV [--rounds 5]

ENV: environments with ``pip install litserve==0.2.19 onnxruntime numpy``, and with ``'ray[serve]==2.60.0' onnxruntime numpy``.
wrk makes the load with one thread, on the same cores as the servers. Naiad's requests are signed before the run.
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
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from live_server import serve
from log import log_row

import naiad
from naiad.client.connection import connect
from naiad.home import ServerAddress
from naiad.trainer.loop.progress import SilentProgress

HERE = Path(__file__).parent
BODIES = 300
WARM_UP_S, MEASURE_S = 2, 8
CONNECTIONS = {"ray": 4}
"""Connections where it is not 32. Ray Serve is fastest with four: with 32 its router backs off, and some requests time out."""
PORTS = {"litserve": 18_701, "ray": 18_702, "bare": 18_703, "own port": 18_704}
HALF_LOAD_CONNECTIONS = 3
"""The number of connections that makes about half of the highest rate."""
PAUSE_S = 3
"""The pause after a peer, whose processes may end later than it does."""
SCRIPT = "endpoint_load.py"
INVOCATIONS = "/endpoints/shoes/invocations"


@dataclass(frozen=True)
class LoadResult:
    rate: float
    p50_ms: float
    p99_ms: float
    requests: int
    failed: int


def make_bodies() -> list[bytes]:
    """Returns bodies in JSON, each of 784 integers, half of them zero as in pictures of clothes."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (BODIES, 784)) * random.integers(0, 2, (BODIES, 784))
    return [json.dumps(picture.tolist(), separators=(",", ":")).encode() for picture in pictures]


def run_wrk(url: str, path: str, requests: Path, *, seconds: int, connections: int) -> LoadResult:
    environment = {**os.environ, "WRK_REQUESTS": str(requests), "WRK_PATH": path}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "wrk.lua"), url]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT"))
    rate, p50, p99, count, failed = (float(word) for word in line.split()[1:])
    return LoadResult(rate, p50, p99, int(count), int(failed))


def write_requests(file: Path, headers_of: Callable[[bytes], Mapping[str, str]]) -> None:
    """Writes the requests as a table in Lua, whose strings have JSON's syntax."""
    lines = []
    for body in make_bodies():
        headers = ",".join(f"[{json.dumps(name)}]={json.dumps(value)}" for name, value in headers_of(body).items())
        lines.append(f"{{headers={{{headers}}},body={json.dumps(body.decode())}}},")
    file.write_text("return {\n" + "\n".join(lines) + "\n}\n", encoding="utf-8")


@contextmanager
def run_peer(python: str, name: str, artifact: Path) -> Iterator[str]:
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
            _wait_until_ready(url + ("/predict" if name == "litserve" else "/"), process)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(PAUSE_S)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Waits until a picture is answered."""
    deadline = time.monotonic() + 120
    request = urllib.request.Request(
        url, data=json.dumps([0] * 784).encode(), headers={"Content-Type": "application/json"}
    )
    while True:
        try:
            urllib.request.urlopen(request, timeout=5).read()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


@dataclass
class Comparison:
    """The rounds of Naiad and its peers, and their results."""

    address: ServerAddress
    artifact: Path
    pythons: Mapping[str, str]
    """Interpreters of the peers."""
    requests: Path
    """The file of requests that wrk reads."""
    token_file: Path
    """The file with the token of the endpoint, for its replicas' own port."""
    results: dict[str, list[LoadResult]] = field(default_factory=lambda: defaultdict(list))
    half_load_ratios: list[float] = field(default_factory=list)

    def run_round(self) -> None:
        self._measure("signed", self.address.url, INVOCATIONS, self._signed_headers)
        self._measure("own port", f"http://127.0.0.1:{PORTS['own port']}", "/invocations", self._headers_with_token)
        write_requests(self.requests, self._signed_headers)
        connections = HALF_LOAD_CONNECTIONS
        result = run_wrk(self.address.url, INVOCATIONS, self.requests, seconds=MEASURE_S, connections=connections)
        self.half_load_ratios.append(result.p99_ms / result.p50_ms)
        print("half load", result, flush=True)
        for name in ("bare", "litserve", "ray"):
            with run_peer(self.pythons[name], name, self.artifact) as url:
                self._measure(name, url, "/predict" if name == "litserve" else "/", _plain_headers)

    def _measure(self, name: str, url: str, path: str, headers_of: Callable[[bytes], Mapping[str, str]]) -> None:
        write_requests(self.requests, headers_of)
        connections = CONNECTIONS.get(name, 32)
        run_wrk(url, path, self.requests, seconds=WARM_UP_S, connections=connections)
        result = run_wrk(url, path, self.requests, seconds=MEASURE_S, connections=connections)
        assert not result.failed, (name, result)
        self.results[name].append(result)
        print(name, result, flush=True)

    def _headers_with_token(self, body: bytes) -> Mapping[str, str]:
        return {**_plain_headers(body), "Authorization": f"Bearer {self.token_file.read_text()}"}

    def _signed_headers(self, body: bytes) -> Mapping[str, str]:
        headers = {"Content-Type": "application/json"}
        request = AWSRequest("POST", self.address.url + INVOCATIONS, data=body, headers=headers)
        credentials = Credentials(self.address.access_key, self.address.secret_key)
        SigV4Auth(credentials, "sagemaker", self.address.region).add_auth(request)
        return dict(request.headers.items())


def _plain_headers(_body: bytes) -> Mapping[str, str]:
    return {"Content-Type": "application/json"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--litserve", required=True)
    parser.add_argument("--ray", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pythons = {"litserve": f"{options.litserve}/bin/python", "ray": f"{options.ray}/bin/python", "bare": sys.executable}
    deployment_s: list[float] = []
    with tempfile.TemporaryDirectory() as folder, serve("--no-warm") as server:
        artifact, requests = Path(folder) / "shoes", Path(folder) / "requests.lua"
        naiad.fit("simplenet", "fashion-mnist", epochs=1, report=False, progress=SilentProgress()).save(artifact)
        connection = connect(state=server.state)
        started = time.perf_counter()
        environment = {"NAIAD_REPLICA_PORT": str(PORTS["own port"])}
        endpoint = connection.deploy(artifact, "shoes", environment=environment)
        deployment_s.append(time.perf_counter() - started)
        token_file = server.state / "endpoints" / "shoes" / "replica-token"
        comparison = Comparison(server.address, artifact, pythons, requests, token_file)
        for _ in range(options.rounds):
            comparison.run_round()
        for number in range(options.rounds - 1):
            endpoint.delete()
            server.client("sagemaker").get_waiter("endpoint_deleted").wait(
                EndpointName="shoes", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
            started = time.perf_counter()
            endpoint = connection.deploy(artifact, f"shoes-{number}")
            deployment_s.append(time.perf_counter() - started)
    print_rows(comparison.results, comparison.half_load_ratios, deployment_s)


def print_rows(
    results: Mapping[str, list[LoadResult]], half_load_ratios: list[float], deployment_s: list[float]
) -> None:
    load = "wrk -t1 -c32 on the same two cores"
    for name, claim in (
        ("signed", "LeNet, JSON: signed InvokeEndpoint"),
        ("own port", "LeNet, JSON: the replicas' own port"),
        ("bare", "LeNet, JSON: raw ASGI with ONNX Runtime, two processes"),
        ("litserve", "LeNet, JSON: LitServe, defaults, with ONNX Runtime"),
        ("ray", "LeNet, JSON: Ray Serve, defaults, with ONNX Runtime"),
    ):
        rates = [result.rate for result in results[name]]
        p99 = sorted(result.p99_ms for result in results[name])[len(rates) // 2]
        p50 = sorted(result.p50_ms for result in results[name])[len(rates) // 2]
        print(
            log_row(
                claim,
                rates,
                unit="/s",
                script=SCRIPT,
                note=f"{load.replace('32', str(CONNECTIONS.get(name, 32)))}; p50 {p50:.1f} ms, p99 {p99:.1f} ms",
            )
        )
    for numerator, denominator, goal in (
        ("signed", "litserve", "≥ 5"),
        ("signed", "ray", "≥ 10"),
        ("own port", "bare", "≥ 0.8"),
    ):
        pairs = zip(results[numerator], results[denominator], strict=True)
        print(
            log_row(
                f"{numerator} ÷ {denominator}", [a.rate / b.rate for a, b in pairs], unit="×", goal=goal, script=SCRIPT
            )
        )
    print(
        log_row(
            "signed at half load: p99 ÷ p50",
            half_load_ratios,
            unit="×",
            goal="< 2",
            script=SCRIPT,
            note=f"wrk with {HALF_LOAD_CONNECTIONS} connections",
        )
    )
    print(
        log_row(
            "deployment of an artifact, from the call to InService", deployment_s, unit="s", goal="< 5 s", script=SCRIPT
        )
    )


if __name__ == "__main__":
    main()
