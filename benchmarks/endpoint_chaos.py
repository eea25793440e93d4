"""What an endpoint loses: under twice the load that it can take, while its replicas are killed, and while it is updated.

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
from live import Live, live
from log import row

import naiad
from naiad.client.bench import Target
from naiad.client.connection import connect
from naiad.trainer.loop.progress import Silent

OVERLOAD_S = 60.0
SLOW_MS = 20
KEPT_S = 5.0
"""A connection that was idle for longer is not used again: the server may be closing it."""
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
class Asked:
    """Every request that was sent is in here once, with its end."""

    statuses: Counter[int] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    sent: int = 0


async def one(request: bytes, reader: Any, writer: Any, asked: Asked) -> None:
    asked.sent += 1
    began = time.monotonic()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    asked.statuses[int(head[9:12])] += 1
    asked.times_s.append(time.monotonic() - began)


async def connected(target: Target) -> tuple[Any, Any]:
    host, port = target.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def closed_loop(target: Target, count: int, over: asyncio.Event, asked: Asked) -> None:
    """``count`` connections, each of which asks again when it has its answer."""

    async def client() -> None:
        reader, writer = await connected(target)
        signed_at, request = 0.0, b""
        while not over.is_set():
            if time.monotonic() - signed_at > 60:
                request, signed_at = target.request(), time.monotonic()
            await one(request, reader, writer, asked)
        writer.close()

    await asyncio.gather(*(client() for _ in range(count)))


async def open_loop(target: Target, rate: float, seconds: float, asked: Asked) -> None:
    """Requests at that rate, whether the ones before were answered or not; connections are made as they are needed."""
    idle: list[tuple[float, Any, Any]] = []
    request = target.request()
    tasks = set()

    async def ask() -> None:
        while idle and time.monotonic() - idle[-1][0] > KEPT_S:
            idle.pop()[2].close()
        reader, writer = idle.pop()[1:] if idle else await connected(target)
        await one(request, reader, writer, asked)
        idle.append((time.monotonic(), reader, writer))

    began = time.monotonic()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        task = asyncio.create_task(ask())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if number % 500 == 0:
            request = target.request()
    await asyncio.gather(*tasks)
    for _, _, writer in idle:
        writer.close()


def replicas_of(server: Live) -> list[psutil.Process]:
    """Not what measures an engine, whose module's name begins as theirs."""
    found = psutil.Process(server.process.pid).children(recursive=True)
    return [process for process in found if "naiad.service.endpoints.worker" in process.cmdline()[:4]]


def programs_of(server: Live) -> list[psutil.Process]:
    """Executables that replicas have started, by the argument that they are started with."""
    found = psutil.Process(server.process.pid).children(recursive=True)
    return [process for process in found if "serve" in process.cmdline()[1:3]]


def memory_mb(server: Live) -> float:
    whole = [psutil.Process(server.process.pid), *replicas_of(server)]
    return sum(process.memory_info().rss for process in whole) / 2**20


async def overload(server: Live, target: Target) -> tuple[Asked, float, list[float]]:
    """(what was asked, the capacity, memory by the second)."""
    asked, over = Asked(), asyncio.Event()
    measuring = asyncio.create_task(closed_loop(target, 8, over, asked))
    await asyncio.sleep(5)
    over.set()
    await measuring
    capacity = asked.statuses[200] / 5
    asked, memory = Asked(), []
    load = asyncio.create_task(open_loop(target, 2 * capacity, OVERLOAD_S, asked))
    while not load.done():
        memory.append(memory_mb(server))
        await asyncio.wait([load], timeout=1)
    await load
    return asked, capacity, memory


async def kills(
    server: Live, target: Target, count: int, victims: Callable[[Live], list[psutil.Process]] = replicas_of
) -> Asked:
    asked, over, chance = Asked(), asyncio.Event(), random.Random(0)
    load = asyncio.create_task(closed_loop(target, 8, over, asked))
    for _ in range(count):
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        alive = [process for process in victims(server) if process.status() != psutil.STATUS_ZOMBIE]
        if alive:
            os.kill(chance.choice(alive).pid, signal.SIGKILL)
    over.set()
    await load
    return asked


async def updates(server: Live, target: Target, configs: list[str]) -> Asked:
    asked, over = Asked(), asyncio.Event()
    load = asyncio.create_task(closed_loop(target, 8, over, asked))
    sagemaker = server.client("sagemaker")
    for config in configs:
        await asyncio.to_thread(sagemaker.update_endpoint, EndpointName="shoes", EndpointConfigName=config)
        while (await asyncio.to_thread(sagemaker.describe_endpoint, EndpointName="shoes"))[
            "EndpointStatus"
        ] != "InService":
            await asyncio.sleep(0.1)
    over.set()
    await load
    return asked


def say_failed(what: str, asked: Asked, times: str) -> None:
    """times: how often that was done."""
    failed = asked.sent - asked.statuses[200]
    statuses = "".join(f", {count} × {status}" for status, count in asked.statuses.items() if status != 200)
    note = f"{times}, {asked.sent:,} requests, slowest {max(asked.times_s):.2f} s{statuses}"
    print(row(f"{what}: requests that failed", [failed], unit="", goal="0", script=SCRIPT, note=note))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder, live("--no-warm") as server:
        slow = Path(folder) / "slow" / "code"
        slow.mkdir(parents=True)
        (slow / "inference.py").write_text(SLOW)
        artifact = Path(folder) / "shoes"
        naiad.fit("simplenet", "fashion-mnist", epochs=1, report=False, progress=Silent()).save(artifact)
        connection, at = connect(state=server.state), server.address
        credentials = Credentials(at.access_key, at.secret_key)
        connection.deploy(slow.parent, "slow")
        asked, capacity, memory = asyncio.run(
            overload(server, Target(at.url, at.region, credentials, "slow", b"x" * 1000, "text/plain"))
        )
        lost = asked.sent - sum(asked.statuses.values())
        note = (
            f"{asked.sent:,} sent: {asked.statuses[200]:,} answered, {asked.statuses[503]:,} told to come again (503)"
        )
        print(
            row(
                "twice the load, 60 s: requests with any other end",
                [asked.sent - asked.statuses[200] - asked.statuses[503]],
                unit="",
                goal="0",
                script=SCRIPT,
                note=note,
            )
        )
        print(
            row(
                "the same: lost",
                [lost],
                unit="",
                goal="0",
                script=SCRIPT,
                note=f"capacity {capacity:.0f}/s, two replicas of {SLOW_MS} ms",
            )
        )
        print(
            row(
                "the same: memory of server and replicas, last 10 s ÷ first 10 s",
                [np.mean(memory[-10:]) / np.mean(memory[:10])],
                unit="×",
                goal="flat",
                script=SCRIPT,
            )
        )
        p99 = np.percentile(asked.times_s, 99)
        print(row("the same: p99 from request to end", [p99], unit="s", goal="no growing delay", script=SCRIPT))
        endpoint = connection.deploy(artifact, "shoes")
        target = Target(at.url, at.region, credentials, "shoes", bytes(784), "application/octet-stream")
        asked = asyncio.run(kills(server, target, count))
        say_failed("kills of replicas under load", asked, f"{count} kills")
        program = Path(folder) / "program" / "serve"
        program.parent.mkdir()
        program.write_text(SERVE)
        program.chmod(0o755)
        connection.deploy(program.parent, "program")
        at_program = Target(at.url, at.region, credentials, "program", bytes(784), "application/octet-stream")
        asked = asyncio.run(kills(server, at_program, count, programs_of))
        say_failed("kills of an executable under load", asked, f"{count} kills")
        first = endpoint.describe()["EndpointConfigName"]
        connection.deploy(artifact, "shoes", environment={"A": "1"})
        second = endpoint.describe()["EndpointConfigName"]
        asked = asyncio.run(updates(server, target, [first, second] * 3))
        say_failed("updates under load", asked, "6 updates")


if __name__ == "__main__":
    main()
