"""Two training jobs at once on two cores against one job with both; and what happens to two programs that nobody pins.

python benchmarks/service_cores.py [rounds]
"""

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from live import Live, live, request
from log import row

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


def rate(line: str) -> float:
    return float(line.split()[3])


def as_jobs(server: Live, names: list[str], *, cores: int) -> float:
    """Images a second, of all together. Their measured times must overlap, or it says nothing."""
    for name in names:
        server.client("sagemaker").create_training_job(**request(name, "source.tar.gz", cores=cores))
    for name in names:
        assert server.ended(name)["TrainingJobStatus"] == "Completed"
    told = [next(line for line in server.lines(name) if line.startswith("rate")) for name in names]
    begins, ends = [float(line.split()[1]) for line in told], [float(line.split()[2]) for line in told]
    assert min(ends) - max(begins) > 6, told
    return sum(map(rate, told))


def unpinned(script: Path) -> float:
    """Two programs started by hand, as two users of one machine do."""
    both = [subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return sum(rate(process.communicate()[0]) for process in both)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    found = defaultdict(list)
    with live("--warm") as server, tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "train.py"
        script.write_text(SCRIPT)
        server.put_source("source.tar.gz", SCRIPT)
        time.sleep(8)
        for number in range(rounds):
            found["one"].append(as_jobs(server, [f"one-{number}"], cores=2))
            found["two"].append(as_jobs(server, [f"two-{number}-a", f"two-{number}-b"], cores=1))
            found["unpinned"].append(unpinned(script))
    for kind, claim, goal in (
        ("two", "two jobs at once, each on its core, ÷ one job on both cores (LeNet, batch 256, images/s)", "≥ 0.9"),
        ("unpinned", "the same two programs by hand, unpinned, ÷ one job on both cores", ""),
    ):
        ratios = [several / one for several, one in zip(found[kind], found["one"], strict=True)]
        print(row(claim, ratios, unit="×", goal=goal, script="service_cores.py"))


if __name__ == "__main__":
    main()
