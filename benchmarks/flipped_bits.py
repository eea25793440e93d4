"""Flips one bit in each of a hundred of ten thousand objects, and counts those that are served, or noticed by nobody.

python benchmarks/flipped_bits.py [--objects 10000] [--damaged 100]

The bits are anywhere in the files: content, sums, record, mark. A client then reads all objects of a live server: each whole one
must come back as it was put, and each damaged one must be refused. ``naiad scrub`` must name the same.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from live_server import LiveServer, serve
from log import log_row

from naiad.service.blobs.names import key_to_names

LARGEST_BYTES = 40_000
LARGE_BYTES = 3 * 2**20
"""Every hundredth object spans several blocks, and is streamed."""
THREADS = 4
OPTIONS = ("--no-warm", "--no-aws-hosts")


def make_bodies(count: int, dice: random.Random) -> dict[str, bytes]:
    sizes = [LARGE_BYTES if number % 100 == 50 else dice.randrange(1, LARGEST_BYTES) for number in range(count)]
    return {f"folder {number % 50}/object {number}": dice.randbytes(size) for number, size in enumerate(sizes)}


def flip_bit(path: Path, dice: random.Random) -> None:
    at, bit = dice.randrange(path.stat().st_size), dice.randrange(8)
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))


def read_all(client: Any, bodies: dict[str, bytes]) -> dict[str, str]:
    """Returns for each key whether its object is ``whole``, ``refused`` or ``other``."""

    def read(key: str) -> str:
        try:
            body = client.get_object(Bucket="naiad", Key=key)["Body"].read()
        except (ClientError, BotoCoreError):
            return "refused"
        return "whole" if body == bodies[key] else "other"

    with ThreadPoolExecutor(THREADS) as threads:
        return dict(zip(bodies, threads.map(read, bodies), strict=True))


def run(server: LiveServer, objects: int, damaged: int) -> dict[str, float]:
    dice = random.Random(0)
    bodies = make_bodies(objects, dice)
    client = server.client("s3", config=Config(retries={"max_attempts": 0}, max_pool_connections=THREADS))
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda key: client.put_object(Bucket="naiad", Key=key, Body=bodies[key]), bodies))
    bad = set(dice.sample(sorted(bodies), damaged))
    for key in bad:
        flip_bit(server.state.joinpath("blobs", "naiad", *key_to_names(key)), dice)
    started = time.perf_counter()
    scrub = [sys.executable, "-m", "naiad.cli", "scrub", "--json", "--state", str(server.state)]
    found = json.loads(subprocess.run(scrub, capture_output=True, text=True, check=False).stdout)
    scrub_s = time.perf_counter() - started
    named = {one["key"] for one in found["damaged"]}
    results = read_all(client, bodies)
    refused = {key for key, result in results.items() if result == "refused"}
    return {
        "served": sum(result == "other" for result in results.values()) + len(bad - refused),
        "refused though whole": len(refused - bad),
        "not found by the scrubber": len(bad - named),
        "named though whole": len(named - bad),
        "scrub_s": scrub_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--damaged", type=int, default=100)
    options = parser.parse_args()
    with serve(*OPTIONS) as server:
        counts = run(server, options.objects, options.damaged)
    note = f"{options.objects:,} objects, naiad scrub took {counts.pop('scrub_s'):.1f} s"
    for what, count in counts.items():
        claim = f"one bit flipped in each of {options.damaged} objects: {what}"
        print(log_row(claim, [float(count)], unit="objects", goal="0", script="flipped_bits.py", note=note))


if __name__ == "__main__":
    main()
