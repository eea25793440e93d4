"""From CreateTrainingJob to the script's first line, and to the line after ``import torch``: cold, and from the warm interpreter.

python benchmarks/service_start.py [rounds]
"""

import sys
import time
from collections import defaultdict

from live import Live, live, request
from log import row

SCRIPT = """
import time
first = time.time()
import torch
print("times", first, time.time())
"""
WARM_AFTER_S = 60.0


def measured(server: Live, name: str) -> tuple[float, float, float]:
    """(to the first line, to torch's import, to Completed as a client sees it), in seconds."""
    client, begin = server.client("sagemaker"), time.time()
    client.create_training_job(**request(name, "source.tar.gz"))
    job = server.ended(name)
    over = time.time()
    assert job["TrainingJobStatus"] == "Completed", job
    _, first, imported = next(line for line in server.lines(name) if line.startswith("times")).split()
    return float(first) - begin, float(imported) - begin, over - begin


def wait_until_warm(server: Live) -> None:
    """Until a job has torch at once."""
    deadline = time.monotonic() + WARM_AFTER_S
    for number in range(100):
        first, imported, _ = measured(server, f"warm-up-{number}")
        if imported - first < 0.1:
            return
        assert time.monotonic() < deadline


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    found = defaultdict(list)
    with live("--no-warm") as cold, live("--warm") as warm:
        for server in (cold, warm):
            server.put_source("source.tar.gz", SCRIPT)
        wait_until_warm(warm)
        measured(cold, "warm-up")
        for number in range(rounds):
            for kind, server in (("cold", cold), ("warm", warm)):
                found[kind].append(measured(server, f"job-{number}"))
    for kind, goal in (("cold", ""), ("warm", "≤ 0.5 s")):
        for place, what in enumerate(("the script's first line", "torch imported", "Completed seen by a client")):
            values = [times[place] for times in found[kind]]
            claim = f"CreateTrainingJob to {what}, {kind}"
            print(row(claim, values, unit="s", goal=goal if place < 2 else "", script="service_start.py"))


if __name__ == "__main__":
    main()
