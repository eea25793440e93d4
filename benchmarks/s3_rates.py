"""Measures signed requests to S3 of two versions of the server: PUT and GET of 1 KiB, and lists of a hundred keys.

    python benchmarks/s3_rates.py --before /somewhere/else/.venv/bin/python [--rounds 30] [--requests 100]

``--before`` is the older version's python. Both servers run at once; in each round every kind of request is sent in a block to
one and then to the other, over one connection each. Requests are signed by botocore before the clock runs.
"""

import argparse
import http.client
import statistics
import sys
import time
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from live_server import LiveServer, serve
from log import log_row

GOAL = "≥ 0.97"
KEYS = 100
BODY = bytes(1024)
OPTIONS = ("--no-warm", "--no-aws-hosts")
KINDS = {
    "PUT": lambda number: ("PUT", f"/naiad/put/{number % KEYS}", BODY),
    "GET": lambda number: ("GET", f"/naiad/list/{number % KEYS}", b""),
    "list": lambda _: ("GET", "/naiad?list-type=2&prefix=list%2F", b""),
}


class SignedConnection:
    """One connection to a server, whose requests are signed as boto3 signs them."""

    def __init__(self, server: LiveServer) -> None:
        self._address = server.address
        place = urlsplit(self._address.url)
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port)
        credentials = Credentials(self._address.access_key, self._address.secret_key)
        self._auth = S3SigV4Auth(credentials, "s3", self._address.region)

    def sign(self, method: str, path: str, body: bytes) -> tuple[str, str, bytes, dict[str, str]]:
        request = AWSRequest(method, f"{self._address.url}{path}", data=body)
        self._auth.add_auth(request)
        return method, path, body, dict(request.headers)

    def send_all(self, requests: list[tuple[str, str, bytes, dict[str, str]]]) -> float:
        """Returns the seconds that all take, one after another."""
        started = time.perf_counter()
        for method, path, body, headers in requests:
            self._connection.request(method, path, body or None, headers)
            answer = self._connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"{method} {path}: {answer.status}")
        return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--requests", type=int, default=100)
    options = parser.parse_args()
    with serve(*OPTIONS, python=options.before) as before, serve(*OPTIONS) as after:
        sides = {"before": SignedConnection(before), "after": SignedConnection(after)}
        for side in sides.values():
            side.send_all([side.sign("PUT", f"/naiad/list/{number}", BODY) for number in range(KEYS)])
        seconds = {kind: {side: [] for side in sides} for kind in KINDS}  # type: dict[str, dict[str, list[float]]]
        for number in range(options.rounds + 1):
            for kind, make in KINDS.items():
                for name in sorted(sides, reverse=number % 2 == 0):
                    signed = [sides[name].sign(*make(place)) for place in range(options.requests)]
                    spent_s = sides[name].send_all(signed)
                    if number:  # the first round warms up
                        seconds[kind][name].append(spent_s / options.requests)
    for kind, by_side in seconds.items():
        ratios = [b / a for b, a in zip(by_side["before"], by_side["after"], strict=True)]
        note = ", ".join(f"{side} {statistics.median(times) * 1e6:.0f} µs" for side, times in by_side.items())
        claim = f"rate of signed S3 {kind} ÷ the commit before"
        print(log_row(claim, ratios, unit="×", goal=GOAL, script="s3_rates.py", note=note), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
