"""Sends invalid bodies to an endpoint: each must get a 4xx, no process may die or hang, no pickle may be loaded.

python benchmarks/endpoint_fuzz.py [bodies] [seed]

Half of the bodies are malformed by construction and must be refused. The others are valid ones with some bytes changed, of
which a few stay valid. A pickle that is loaded ends its process, which is seen among the replicas.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from botocore.credentials import Credentials
from endpoint_chaos import connect_to, replicas_of
from fuzz_bodies import JSON, PIXELS, TABLE, Body, good_bodies, make_bodies
from live_server import serve
from log import log_row

import naiad
from naiad.client.connection import connect
from naiad.client.endpoint_benchmark import BenchmarkTarget
from naiad.trainer.loop.progress import SilentProgress

SCRIPT = "endpoint_fuzz.py"
CLIENTS = 4
HANG_S = 30.0
CLIENT_ERRORS = range(400, 424)
"""Statuses of refused bodies; 424 is a failure of the model."""


@dataclass
class FuzzResult:
    malformed: Counter[int] = field(default_factory=Counter)
    changed: Counter[int] = field(default_factory=Counter)
    """Number of bodies by status; 0 is no answer."""
    unexpected: list[tuple[int, Body]] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""

    def add(self, body: Body, status: int, seconds: float) -> None:
        (self.changed if body.may_be_good else self.malformed)[status] += 1
        if status not in CLIENT_ERRORS and not (body.may_be_good and status == 200):
            self.unexpected.append((status, body))
        if seconds > self.slowest_s:
            self.slowest_s, self.slowest = (
                seconds,
                f"{body.kind}, {body.content_type[:30]}, {len(body.content):,} bytes",
            )


async def status_of(target: BenchmarkTarget) -> int:
    """Sends a request on a connection of its own. Returns the status, or 0 without a whole answer."""
    reader, writer = await connect_to(target)
    try:
        async with asyncio.timeout(HANG_S):
            writer.write(target.make_request())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            return int(head[9:12])
    except (TimeoutError, OSError, EOFError):
        return 0
    finally:
        writer.close()


async def send_bodies(target: BenchmarkTarget, bodies: Iterator[Body]) -> FuzzResult:
    result = FuzzResult()

    async def client() -> None:
        for body in bodies:
            started = time.monotonic()
            status = await status_of(
                replace(target, endpoint=body.endpoint, body=body.content, content_type=body.content_type)
            )
            result.add(body, status, time.monotonic() - started)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return result


async def find_unanswered(target: BenchmarkTarget, good: tuple[Body, ...]) -> list[Body]:
    """Returns the valid bodies that are not answered with 200."""
    requests = [
        replace(target, endpoint=body.endpoint, body=body.content, content_type=body.content_type) for body in good
    ]
    return [body for body, request in zip(good, requests, strict=True) if await status_of(request) != 200]


def write_table(folder: Path) -> pd.DataFrame:
    random_state = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": random_state.normal(size=120),
            "kind": random_state.choice(["a", "b", "c"], 120),
            "built": pd.date_range("2001-01-01", periods=120, freq="17D").astype(str),
        }
    )
    frame.assign(price=frame["size"] * 3 + (frame["kind"] == "a")).to_csv(folder / "houses.csv", index=False)
    return frame.head(8)


def print_row(claim: str, value: float, goal: str, note: str = "", *, unit: str = "") -> None:
    print(log_row(claim, [value], unit=unit, goal=goal, script=SCRIPT, note=note), flush=True)


def format_statuses(statuses: Counter[int]) -> str:
    return ", ".join(f"{count:,} × {status or 'no answer'}" for status, count in sorted(statuses.items()))


def print_result(result: FuzzResult, note: str) -> None:
    unexpected = Counter("changed" if body.may_be_good else "malformed" for _, body in result.unexpected)
    malformed, changed = (f"{format_statuses(statuses)}; {note}" for statuses in (result.malformed, result.changed))
    print_row("malformed bodies: any end but a 4xx", unexpected["malformed"], "0", malformed)
    print_row("good bodies, changed: any end but 200 or a 4xx", unexpected["changed"], "0", changed)
    print_row("the same: the slowest answer", result.slowest_s, "no hang", result.slowest, unit="s")
    for status, body in result.unexpected[:20]:
        print(status, body.kind, body.endpoint, body.content_type, body.content[:300], file=sys.stderr)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as name, serve("--no-warm") as server:
        folder = Path(name)
        head = write_table(folder)
        pixels = np.random.default_rng(0).integers(0, 60, (40, 8, 8)) + np.repeat([0, 150], 20)[:, None, None]
        images = (pixels.astype(np.uint8), np.repeat(["dark", "bright"], 20))
        naiad.fit("mlp", images, epochs=1, report=False, progress=SilentProgress()).save(folder / PIXELS)
        houses = naiad.fit(
            "mlp", folder / "houses.csv", label="price", epochs=1, report=False, progress=SilentProgress()
        )
        houses.save(folder / TABLE)
        connection, address = connect(state=server.state), server.address
        for endpoint in (PIXELS, TABLE):
            connection.deploy(folder / endpoint, endpoint)
        target = BenchmarkTarget(
            address.url, address.region, Credentials(address.access_key, address.secret_key), PIXELS, b"", JSON
        )
        good = good_bodies(head)
        assert not asyncio.run(find_unanswered(target, good)), (
            "the endpoints do not answer good bodies before anything is tried"
        )
        before = {server.process.pid, *(process.pid for process in replicas_of(server))}
        result = asyncio.run(send_bodies(target, make_bodies(count, seed, good)))
        assert server.process.poll() is None, (
            f"the server has ended: {format_statuses(result.malformed + result.changed)}"
        )
        after = {server.process.pid, *(process.pid for process in replicas_of(server))}
        print_result(result, f"seed {seed}, {CLIENTS} clients")
        print_row(
            "the same: server and replicas that ended or were started", len(before ^ after), "0", f"{len(before)} there"
        )
        failed = asyncio.run(find_unanswered(target, good))
        print_row(
            "the same: good bodies at the end without an answer", len(failed), "0", f"of {len(good)}, of every type"
        )


if __name__ == "__main__":
    main()
