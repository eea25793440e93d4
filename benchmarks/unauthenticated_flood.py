"""Measures how much the memory of a server grows under floods of requests that nobody known has signed.

    python benchmarks/unauthenticated_flood.py [--connections 200]

Each flood opens its connections at once, sends what it may of its bytes over each, and stays until the server has closed it or
nothing moves any more. Meanwhile other clients must be served.
"""

import argparse
import sys

from floods import FLOODS, flood
from handmade_requests import HandmadeClient
from live_server import serve
from log import log_row

GOAL_MB = 64.0
FLOOD_S = 5.0
OPTIONS = ("--no-warm", "--no-aws-hosts", "--upload-timeout", "5")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=200)
    options = parser.parse_args()
    worst = 0.0
    for name, make in FLOODS.items():
        with serve(*OPTIONS) as server:
            client = HandmadeClient(server.address)
            for service, call in (
                ("sts", "get_caller_identity"),
                ("s3", "list_buckets"),
                ("sagemaker", "list_endpoints"),
            ):
                getattr(server.client(service), call)()
            before_mb = server.memory_mb()
            growth_mb = flood(server, client, make(client), count=options.connections, seconds=FLOOD_S) - before_mb
        worst = max(worst, growth_mb)
        claim = f"memory under a flood: {name}"
        note = f"{options.connections} connections at once; {before_mb:.0f} MB before"
        goal = f"≤ {GOAL_MB:g} MB"
        print(
            log_row(claim, [growth_mb], unit="MB", goal=goal, script="unauthenticated_flood.py", note=note), flush=True
        )
    return 1 if worst > GOAL_MB else 0


if __name__ == "__main__":
    sys.exit(main())
