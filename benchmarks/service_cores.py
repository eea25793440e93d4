"""Compares two training jobs at once, each on one core, with one job on both; and with two programs that are not pinned.

python benchmarks/service_cores.py [rounds]
"""

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from live_server import LiveServer, serve, training_request
from log import log_row

SCRIPT = """
import time
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                    nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
optimizer = torch.optim.SGD(net.parameters(), 0.01)
images, labels = torch.randn(256, 1, 28, 28), torch.randint(0, 10, (256,))
def step():
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(images), labels).backward()
    optimizer.step()
for _ in range(10):
    step()
begin, steps = time.time(), 0
while time.time() - begin < 8:
    step()
    steps += 1
print("rate", begin, time.time(), steps * 256 / (time.time() - begin), torch.get_num_threads(), flush=True)
"""


def rate_of(line: str) -> float:
    return float(line.split()[3])


def run_as_jobs(server: LiveServer, names: list[str], *, cores: int) -> float:
    """Returns the images a second of all jobs together. Their measured times must overlap."""
    for name in names:
        server.client("sagemaker").create_training_job(**training_request(name, "source.tar.gz", cores=cores))
    for name in names:
        assert server.wait_for_end(name)["TrainingJobStatus"] == "Completed"
    results = [next(line for line in server.log_lines(name) if line.startswith("rate")) for name in names]
    starts, ends = [float(line.split()[1]) for line in results], [float(line.split()[2]) for line in results]
    assert min(ends) - max(starts) > 6, results
    return sum(map(rate_of, results))


def run_unpinned(script: Path) -> float:
    """Returns the images a second of two programs that are started by hand, as by two users of one machine."""
    processes = [subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return sum(rate_of(process.communicate()[0]) for process in processes)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rates = defaultdict(list)
    with serve("--warm") as server, tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "train.py"
        script.write_text(SCRIPT)
        server.put_source("source.tar.gz", SCRIPT)
        time.sleep(8)
        for number in range(rounds):
            rates["one"].append(run_as_jobs(server, [f"one-{number}"], cores=2))
            rates["two"].append(run_as_jobs(server, [f"two-{number}-a", f"two-{number}-b"], cores=1))
            rates["unpinned"].append(run_unpinned(script))
    for kind, claim, goal in (
        ("two", "two jobs at once, each on its core, ÷ one job on both cores (LeNet, batch 256, images/s)", "≥ 0.9"),
        ("unpinned", "the same two programs by hand, unpinned, ÷ one job on both cores", ""),
    ):
        ratios = [two / one for two, one in zip(rates[kind], rates["one"], strict=True)]
        print(log_row(claim, ratios, unit="×", goal=goal, script="service_cores.py"))


if __name__ == "__main__":
    main()
