"""The server answers others while one request brings the worst body of its kind.

The bodies are those of benchmarks/worst_bodies.py, which benchmarks/ping_under_bodies.py measures one by one.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from handmade_requests import HandmadeClient
from pinger import Pinger
from worst_bodies import WORST_BODIES, WorstBody

MAX_PING_MS = 1_000
"""A machine that runs other tests too may take a part of it; the bodies took up to 24 s before they were bounded."""


@pytest.mark.parametrize("body", [one for one in WORST_BODIES if one.is_quick], ids=lambda body: body.name)
def test_others_are_answered_meanwhile(target: Any, body: WorstBody) -> None:
    client = HandmadeClient(target.address)
    data = body.make(client)
    pinger = Pinger(client.address.url)
    try:
        client.exchange(data)
    finally:
        latencies_ms = pinger.stop()
    assert max(latencies_ms, default=0.0) < MAX_PING_MS
