"""The server's memory while many at once send what nobody known has signed.

The floods are those of benchmarks/floods.py; unauthenticated_flood.py sends each over more connections, and for longer.
"""

import resource
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from floods import FLOODS, flood
from handmade_requests import HandmadeClient

MAX_GROWTH_MB = 64
CONNECTIONS = 40


@pytest.mark.parametrize("name", FLOODS)
def test_the_memory_of_the_server(target: Any, name: str) -> None:
    """Twenty connections with a presigned URL of an unknown key took 500 MB."""
    client, before_mb = HandmadeClient(target.address), target.memory_mb()
    peak_mb = flood(target, client, FLOODS[name](client), count=CONNECTIONS, seconds=0.7)
    assert peak_mb - before_mb < MAX_GROWTH_MB


def test_half_a_head_shuts_nobody_out(target: Any) -> None:
    """More connections wait than there are places: the newest are served."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    waiting = [target.connect() for _ in range(min(1_500, open_files - 200))]
    try:
        for one in waiting:
            one.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert target.client("sts").get_caller_identity()["Account"]
        assert waiting[0].recv(1) == b""
        waiting[-1].send(b"\r\n")
        assert waiting[-1].recv(12) == b"HTTP/1.1 403"
    finally:
        for one in waiting:
            one.close()
