"""Measures what the walls around programs cost, against an older version: the start of a job, its speed, and a replica's rate.

    python benchmarks/walls_cost.py --before /somewhere/else/.venv/bin/python [--rounds 10]

``--before`` is the older version's python. Both servers run at once and take turns: in each round a job runs on one and then on
the other, and a block of signed requests goes to the endpoint of one and then of the other, over one connection each.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from live_server import LiveServer, serve, training_request
from log import log_row
from s3_rates import SignedConnection

import naiad
from naiad.client.connection import connect
from naiad.trainer.loop.progress import SilentProgress

SCRIPT = """
import time
first = time.time()
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.Conv2d(1, 16, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(2704, 10)
)
images, labels = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
def step():
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(net(images), labels).backward()
    optimizer.step()
for _ in range(50):
    step()
begun = time.perf_counter()
for _ in range(600):
    step()
print("times", first, 600 / (time.perf_counter() - begun))
"""
ENDPOINT = "/endpoints/shoes/invocations"


class InvocationConnection(SignedConnection):
    """One connection to a server's endpoint."""

    def __init__(self, server: LiveServer) -> None:
        super().__init__(server)
        credentials = Credentials(self._address.access_key, self._address.secret_key)
        self._auth = SigV4Auth(credentials, "sagemaker", self._address.region)

    def sign(self, method: str, path: str, body: bytes) -> tuple[str, str, bytes, dict[str, str]]:
        headers = {"Content-Type": "application/json"}
        request = AWSRequest(method, f"{self._address.url}{path}", data=body, headers=headers)
        self._auth.add_auth(request)
        return method, path, body, dict(request.headers)


def run_job(server: LiveServer, name: str) -> tuple[float, float]:
    """Returns the seconds from the request to the script's first line, and its steps a second."""
    client, started = server.client("sagemaker"), time.time()
    client.create_training_job(**training_request(name, "source.tar.gz"))
    job = server.wait_for_end(name)
    assert job["TrainingJobStatus"] == "Completed", job
    _, first, rate = next(line for line in server.log_lines(name) if line.startswith("times")).split()
    return float(first) - started, float(rate)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    pythons = {"before": options.before, "after": sys.executable}
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with (
        tempfile.TemporaryDirectory() as folder,
        serve("--no-aws-hosts", python=pythons["before"]) as before,
        serve("--no-aws-hosts", python=pythons["after"]) as after,
    ):
        servers = {"before": before, "after": after}
        artifact = Path(folder) / "shoes"
        naiad.fit("simplenet", "fashion-mnist", epochs=1, report=False, progress=SilentProgress()).save(artifact)
        for server in servers.values():
            prepare(server, artifact)
        for number in range(options.rounds):
            for name in sorted(servers, reverse=number % 2 == 1):
                start_s, rate = run_job(servers[name], f"job-{number}")
                values["warm start of a job"][name].append(start_s)
                values["speed of a job's training"][name].append(rate)
            for name in sorted(servers, reverse=number % 2 == 1):
                values["signed InvokeEndpoint"][name].append(invocation_rate(servers[name], options.requests))
    print_rows(values)
    return 0


def prepare(server: LiveServer, artifact: Path) -> None:
    """Deploys the artifact, and runs jobs until one starts warm."""
    server.put_source("source.tar.gz", SCRIPT)
    connect(state=server.state).deploy(artifact, "shoes")
    for number in range(3):
        run_job(server, f"warm-up-{number}")
    invocation_rate(server, 100)


def invocation_rate(server: LiveServer, count: int) -> float:
    """Returns requests a second, one after another, over a connection of their own."""
    connection = InvocationConnection(server)
    numbers = random.Random(0)
    bodies = [json.dumps([numbers.randrange(256) for _ in range(784)]).encode() for _ in range(count)]
    return count / connection.send_all([connection.sign("POST", ENDPOINT, body) for body in bodies])


def print_rows(values: dict[str, dict[str, list[float]]]) -> None:
    for claim, sides in values.items():
        if "start" in claim:
            print(
                log_row(claim, sides["after"], unit="s", goal="≤ 0.3 s", script="walls_cost.py", note=_note(sides, "s"))
            )
            continue
        ratios = [after / before for before, after in zip(sides["before"], sides["after"], strict=True)]
        note = _note(sides, "/s")
        print(log_row(f"{claim}: after ÷ before", ratios, unit="×", goal="≥ 0.97", script="walls_cost.py", note=note))


def _note(sides: dict[str, list[float]], unit: str) -> str:
    before, after = (statistics.median(sides[name]) for name in ("before", "after"))
    return f"medians {before:.4g} {unit} before and {after:.4g} {unit} after, ratio of the medians {after / before:.3f}"


if __name__ == "__main__":
    sys.exit(main())
