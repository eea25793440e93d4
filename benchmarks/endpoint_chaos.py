"""Counts the requests that an endpoint loses: under twice its capacity, while replicas are killed, and during updates.

python benchmarks/endpoint_chaos.py [kills]
"""

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from botocore.credentials import Credentials
from live_server import LiveServer, serve
from log import log_row

import naiad
from naiad.client.connection import Connection, connect
from naiad.client.endpoint_benchmark import BenchmarkTarget
from naiad.trainer.loop.progress import SilentProgress

OVERLOAD_S = 60.0
SLOW_MS = 20
MAX_IDLE_S = 5.0
"""A connection that was idle for longer is not reused, since the server may be closing it."""
SCRIPT = "endpoint_chaos.py"
SLOW = f"""
import time
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    time.sleep({SLOW_MS / 1000})
    return body
"""

SERVE = f"""#!{sys.executable}
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self): self.answer(b"")
    def do_POST(self): self.answer(self.rfile.read(int(self.headers["Content-Length"])))
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@dataclass
class RequestLog:
    """The requests that were sent, with status and time of each answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    sent: int = 0


async def send_request(request: bytes, reader: Any, writer: Any, log: RequestLog) -> None:
    log.sent += 1
    started = time.monotonic()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    log.statuses[int(head[9:12])] += 1
    log.times_s.append(time.monotonic() - started)


async def connect_to(target: BenchmarkTarget) -> tuple[Any, Any]:
    host, port = target.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def run_closed_loop(target: BenchmarkTarget, count: int, is_over: asyncio.Event, log: RequestLog) -> None:
    """Keeps ``count`` connections, each of which sends the next request after the answer to the last."""

    async def client() -> None:
        reader, writer = await connect_to(target)
        signed_at, request = 0.0, b""
        while not is_over.is_set():
            if time.monotonic() - signed_at > 60:
                request, signed_at = target.make_request(), time.monotonic()
            await send_request(request, reader, writer, log)
        writer.close()

    await asyncio.gather(*(client() for _ in range(count)))


async def run_open_loop(target: BenchmarkTarget, rate: float, seconds: float, log: RequestLog) -> None:
    """Sends requests at a fixed rate, answered or not. Opens connections as they are needed."""
    idle: list[tuple[float, Any, Any]] = []
    request = target.make_request()
    tasks = set()

    async def send() -> None:
        while idle and time.monotonic() - idle[-1][0] > MAX_IDLE_S:
            idle.pop()[2].close()
        reader, writer = idle.pop()[1:] if idle else await connect_to(target)
        await send_request(request, reader, writer, log)
        idle.append((time.monotonic(), reader, writer))

    started = time.monotonic()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        task = asyncio.create_task(send())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if number % 500 == 0:
            request = target.make_request()
    await asyncio.gather(*tasks)
    for _, _, writer in idle:
        writer.close()


def replicas_of(server: LiveServer) -> list[psutil.Process]:
    """Returns the replicas' processes, without those that measure an engine, whose module name begins alike."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [process for process in children if "naiad.service.endpoints.worker" in process.cmdline()[:4]]


def programs_of(server: LiveServer) -> list[psutil.Process]:
    """Returns the executables that replicas have started, recognized by their argument."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [process for process in children if "serve" in process.cmdline()[1:3]]


def memory_mb(server: LiveServer) -> float:
    processes = [psutil.Process(server.process.pid), *replicas_of(server)]
    return sum(process.memory_info().rss for process in processes) / 2**20


async def run_overload(server: LiveServer, target: BenchmarkTarget) -> tuple[RequestLog, float, list[float]]:
    """Returns (log of the requests, capacity in requests a second, memory in MB for each second)."""
    log, is_over = RequestLog(), asyncio.Event()
    measuring = asyncio.create_task(run_closed_loop(target, 8, is_over, log))
    await asyncio.sleep(5)
    is_over.set()
    await measuring
    capacity = log.statuses[200] / 5
    log, memory = RequestLog(), []
    load = asyncio.create_task(run_open_loop(target, 2 * capacity, OVERLOAD_S, log))
    while not load.done():
        memory.append(memory_mb(server))
        await asyncio.wait([load], timeout=1)
    await load
    return log, capacity, memory


async def run_kills(
    server: LiveServer,
    target: BenchmarkTarget,
    count: int,
    victims: Callable[[LiveServer], list[psutil.Process]] = replicas_of,
) -> RequestLog:
    log, is_over, random_state = RequestLog(), asyncio.Event(), random.Random(0)
    load = asyncio.create_task(run_closed_loop(target, 8, is_over, log))
    for _ in range(count):
        await asyncio.sleep(random_state.uniform(0.2, 1.2))
        alive = [process for process in victims(server) if process.status() != psutil.STATUS_ZOMBIE]
        if alive:
            os.kill(random_state.choice(alive).pid, signal.SIGKILL)
    is_over.set()
    await load
    return log


async def run_updates(server: LiveServer, target: BenchmarkTarget, configs: list[str]) -> RequestLog:
    log, is_over = RequestLog(), asyncio.Event()
    load = asyncio.create_task(run_closed_loop(target, 8, is_over, log))
    sagemaker = server.client("sagemaker")
    for config in configs:
        await asyncio.to_thread(sagemaker.update_endpoint, EndpointName="shoes", EndpointConfigName=config)
        while (await asyncio.to_thread(sagemaker.describe_endpoint, EndpointName="shoes"))[
            "EndpointStatus"
        ] != "InService":
            await asyncio.sleep(0.1)
    is_over.set()
    await load
    return log


def print_failures(claim: str, log: RequestLog, repetitions: str) -> None:
    """``repetitions``: how often the fault was caused, as text."""
    failed = log.sent - log.statuses[200]
    statuses = "".join(f", {count} × {status}" for status, count in log.statuses.items() if status != 200)
    note = f"{repetitions}, {log.sent:,} requests, slowest {max(log.times_s):.2f} s{statuses}"
    print_row(f"{claim}: requests that failed", failed, goal="0", note=note)


def print_row(claim: str, value: float, *, goal: str, unit: str = "", note: str = "") -> None:
    print(log_row(claim, [value], unit=unit, goal=goal, script=SCRIPT, note=note), flush=True)


def measure_overload(server: LiveServer, connection: Connection, folder: Path) -> None:
    code = folder / "slow" / "code"
    code.mkdir(parents=True)
    (code / "inference.py").write_text(SLOW)
    connection.deploy(code.parent, "slow")
    target = target_of(server, "slow", b"x" * 1000, "text/plain")
    log, capacity, memory = asyncio.run(run_overload(server, target))
    answered, refused = log.statuses[200], log.statuses[503]
    note = f"{log.sent:,} sent: {answered:,} answered, {refused:,} refused with 503"
    claim = "twice the load, 60 s: requests with any other end"
    print_row(claim, log.sent - answered - refused, goal="0", note=note)
    note = f"capacity {capacity:.0f}/s, two replicas of {SLOW_MS} ms"
    print_row("the same: lost", log.sent - log.statuses.total(), goal="0", note=note)
    growth = float(np.mean(memory[-10:]) / np.mean(memory[:10]))
    print_row("the same: memory of server and replicas, last 10 s ÷ first 10 s", growth, unit="×", goal="flat")
    p99 = float(np.percentile(log.times_s, 99))
    print_row("the same: p99 from request to end", p99, unit="s", goal="no growing delay")


def measure_kills(server: LiveServer, connection: Connection, folder: Path, count: int) -> None:
    target = target_of(server, "shoes", bytes(784), "application/octet-stream")
    log = asyncio.run(run_kills(server, target, count))
    print_failures("kills of replicas under load", log, f"{count} kills")
    program = folder / "program" / "serve"
    program.parent.mkdir()
    program.write_text(SERVE)
    program.chmod(0o755)
    connection.deploy(program.parent, "program")
    target = target_of(server, "program", bytes(784), "application/octet-stream")
    log = asyncio.run(run_kills(server, target, count, programs_of))
    print_failures("kills of an executable under load", log, f"{count} kills")


def target_of(server: LiveServer, endpoint: str, body: bytes, content_type: str) -> BenchmarkTarget:
    address = server.address
    credentials = Credentials(address.access_key, address.secret_key)
    return BenchmarkTarget(address.url, address.region, credentials, endpoint, body, content_type)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as name, serve("--no-warm") as server:
        folder, connection = Path(name), connect(state=server.state)
        artifact = folder / "shoes"
        naiad.fit("simplenet", "fashion-mnist", epochs=1, report=False, progress=SilentProgress()).save(artifact)
        measure_overload(server, connection, folder)
        endpoint = connection.deploy(artifact, "shoes")
        measure_kills(server, connection, folder, count)
        first = endpoint.describe()["EndpointConfigName"]
        connection.deploy(artifact, "shoes", environment={"A": "1"})
        second = endpoint.describe()["EndpointConfigName"]
        target = target_of(server, "shoes", bytes(784), "application/octet-stream")
        log = asyncio.run(run_updates(server, target, [first, second] * 3))
        print_failures("updates under load", log, "6 updates")


if __name__ == "__main__":
    main()
