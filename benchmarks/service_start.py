"""Measures the time from CreateTrainingJob to the script's first line and to the end of ``import torch``, cold and warm.

python benchmarks/service_start.py [rounds]
"""

import sys
import time
from collections import defaultdict

from live_server import LiveServer, serve, training_request
from log import log_row

SCRIPT = """
import time
first = time.time()
import torch
print("times", first, time.time())
"""
WARM_TIMEOUT_S = 60.0


def start_times(server: LiveServer, name: str) -> tuple[float, float, float]:
    """Returns the seconds to the first line, to the end of torch's import, and to Completed as a client sees it."""
    client, started = server.client("sagemaker"), time.time()
    client.create_training_job(**training_request(name, "source.tar.gz"))
    job = server.wait_for_end(name)
    ended = time.time()
    assert job["TrainingJobStatus"] == "Completed", job
    _, first, imported = next(line for line in server.log_lines(name) if line.startswith("times")).split()
    return float(first) - started, float(imported) - started, ended - started


def wait_until_warm(server: LiveServer) -> None:
    """Waits until a job starts with torch imported."""
    deadline = time.monotonic() + WARM_TIMEOUT_S
    for number in range(100):
        first, imported, _ = start_times(server, f"warm-up-{number}")
        if imported - first < 0.1:
            return
        assert time.monotonic() < deadline


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    times_by_kind = defaultdict(list)
    with serve("--no-warm") as cold, serve("--warm") as warm:
        for server in (cold, warm):
            server.put_source("source.tar.gz", SCRIPT)
        wait_until_warm(warm)
        start_times(cold, "warm-up")
        for number in range(rounds):
            for kind, server in (("cold", cold), ("warm", warm)):
                times_by_kind[kind].append(start_times(server, f"job-{number}"))
    for kind, goal in (("cold", ""), ("warm", "≤ 0.5 s")):
        for index, event in enumerate(("the script's first line", "torch imported", "Completed seen by a client")):
            values = [times[index] for times in times_by_kind[kind]]
            claim = f"CreateTrainingJob to {event}, {kind}"
            print(log_row(claim, values, unit="s", goal=goal if index < 2 else "", script="service_start.py"))


if __name__ == "__main__":
    main()
