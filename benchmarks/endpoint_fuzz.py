"""What an endpoint does with bodies that are no good: each gets a 4xx, nothing dies, nothing hangs, no pickle is loaded.

python benchmarks/endpoint_fuzz.py [bodies] [seed]

Half of them are malformed by the way they are made, and must be refused. The others are good ones with some bytes changed, of
which a few stay good. A pickle that is loaded ends the process that loads it, which shows among the replicas.
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
from endpoint_chaos import connected, replicas_of
from fuzz_bodies import JSON, PIXELS, TABLE, Body, bodies, good_bodies
from live import live
from log import row

import naiad
from naiad.client.bench import Target
from naiad.client.connection import connect
from naiad.trainer.loop.progress import Silent

SCRIPT = "endpoint_fuzz.py"
CLIENTS = 4
HANG_S = 30.0
REFUSED = range(400, 424)
"""424 is a failure of the model."""


@dataclass
class Seen:
    malformed: Counter[int] = field(default_factory=Counter)
    changed: Counter[int] = field(default_factory=Counter)
    """By status; 0 is no answer."""
    wrong: list[tuple[int, Body]] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""

    def add(self, body: Body, status: int, took_s: float) -> None:
        (self.changed if body.may_be_good else self.malformed)[status] += 1
        if status not in REFUSED and not (body.may_be_good and status == 200):
            self.wrong.append((status, body))
        if took_s > self.slowest_s:
            self.slowest_s, self.slowest = took_s, f"{body.kind}, {body.content_type[:30]}, {len(body.content):,} bytes"


async def status_of(target: Target) -> int:
    """On a connection of its own; 0 when no whole answer comes."""
    reader, writer = await connected(target)
    try:
        async with asyncio.timeout(HANG_S):
            writer.write(target.request())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            return int(head[9:12])
    except (TimeoutError, OSError, EOFError):
        return 0
    finally:
        writer.close()


async def ask(target: Target, given: Iterator[Body]) -> Seen:
    seen = Seen()

    async def client() -> None:
        for body in given:
            began = time.monotonic()
            status = await status_of(
                replace(target, endpoint=body.endpoint, body=body.content, content_type=body.content_type)
            )
            seen.add(body, status, time.monotonic() - began)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return seen


async def unanswered(target: Target, good: tuple[Body, ...]) -> list[Body]:
    """Of good ones."""
    asked = [replace(target, endpoint=one.endpoint, body=one.content, content_type=one.content_type) for one in good]
    return [one for one, request in zip(good, asked, strict=True) if await status_of(request) != 200]


def table(folder: Path) -> pd.DataFrame:
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": chance.normal(size=120),
            "kind": chance.choice(["a", "b", "c"], 120),
            "built": pd.date_range("2001-01-01", periods=120, freq="17D").astype(str),
        }
    )
    frame.assign(price=frame["size"] * 3 + (frame["kind"] == "a")).to_csv(folder / "houses.csv", index=False)
    return frame.head(8)


def tell(claim: str, value: float, goal: str, note: str = "", *, unit: str = "") -> None:
    print(row(claim, [value], unit=unit, goal=goal, script=SCRIPT, note=note), flush=True)


def by_status(statuses: Counter[int]) -> str:
    return ", ".join(f"{count:,} × {status or 'no answer'}" for status, count in sorted(statuses.items()))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as name, live("--no-warm") as server:
        folder = Path(name)
        head = table(folder)
        dark_and_bright = np.random.default_rng(0).integers(0, 60, (40, 8, 8)) + np.repeat([0, 150], 20)[:, None, None]
        images = (dark_and_bright.astype(np.uint8), np.repeat(["dark", "bright"], 20))
        naiad.fit("mlp", images, epochs=1, report=False, progress=Silent()).save(folder / PIXELS)
        houses = naiad.fit("mlp", folder / "houses.csv", label="price", epochs=1, report=False, progress=Silent())
        houses.save(folder / TABLE)
        connection, at = connect(state=server.state), server.address
        for endpoint in (PIXELS, TABLE):
            connection.deploy(folder / endpoint, endpoint)
        target = Target(at.url, at.region, Credentials(at.access_key, at.secret_key), PIXELS, b"", JSON)
        good = good_bodies(head)
        assert not asyncio.run(unanswered(target, good)), (
            "the endpoints do not answer good bodies before anything is tried"
        )
        before = {server.process.pid, *(process.pid for process in replicas_of(server))}
        seen = asyncio.run(ask(target, bodies(count, seed, good)))
        assert server.process.poll() is None, f"the server has ended: {by_status(seen.malformed + seen.changed)}"
        after = {server.process.pid, *(process.pid for process in replicas_of(server))}
        wrong = Counter("changed" if body.may_be_good else "malformed" for _, body in seen.wrong)
        sent = f"seed {seed}, {CLIENTS} clients"
        tell("malformed bodies: any end but a 4xx", wrong["malformed"], "0", f"{by_status(seen.malformed)}; {sent}")
        tell(
            "good bodies, changed: any end but 200 or a 4xx",
            wrong["changed"],
            "0",
            f"{by_status(seen.changed)}; {sent}",
        )
        tell("the same: the slowest answer", seen.slowest_s, "no hang", seen.slowest, unit="s")
        tell(
            "the same: server and replicas that ended or were started", len(before ^ after), "0", f"{len(before)} there"
        )
        last = asyncio.run(unanswered(target, good))
        tell("the same: good bodies at the end without an answer", len(last), "0", f"of {len(good)}, of every type")
        for status, body in seen.wrong[:20]:
            print(status, body.kind, body.endpoint, body.content_type, body.content[:300], file=sys.stderr)


if __name__ == "__main__":
    main()
