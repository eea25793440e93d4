"""Whether two versions of Naiad train the same weights: both follow the plans that the older one wrote, byte for byte.

``--before`` is the older version's python, ``--after`` the newer one's (this one when left out):

    python benchmarks/same_as_before.py --before /somewhere/else/.venv/bin/python

The older side makes each plan by measuring as usual. Then both sides train with ``--plan``, one after the other, with the same
threads, and the sha256 of ``model.safetensors`` and of the predictions for the kept samples must be equal.
At the end, a server of each side answers the same requests about the first artifact (``endpoint_answers.py``).
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

NETWORKS = '''
import torch
from torch import nn


class Attention(nn.Module):
    """(B, 64) in, logits (B, 10) out: each of eight rows is a token."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(8, 32)
        self.query, self.key, self.value = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 32)
        self.drop = nn.Dropout(0.1)
        self.classify = nn.Linear(32, 10)

    def forward(self, x):
        tokens = self.embed(x.flatten(1).unflatten(1, (8, 8)))
        weights = (self.query(tokens) @ self.key(tokens).transpose(1, 2) / 32**0.5).softmax(-1)
        return self.classify(self.drop(weights @ self.value(tokens)).mean(1))


class Recurrent(nn.Module):
    """(B, F) in, one value (B, 1) out."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 16, batch_first=True)
        self.head = nn.Linear(16, 1)

    def forward(self, x):
        return self.head(self.gru(x.flatten(1)[..., None])[0][:, -1])
'''

CASES = (
    ("simplenet", "fashion-mnist", 1),
    ("mlp", "fashion-mnist", 1),
    ("residual", "digits", 2),
    ("mlp", "digits", 8),
    ("wide-deep", "digits", 8),
    ("networks.py:Attention", "digits", 4),
    ("conv-autoencoder", "digits", 2, "--task", "clustering"),
    ("mlp", "diabetes", 20),
    ("wide-deep", "diabetes", 20),
    ("networks.py:Recurrent", "diabetes", 10),
    ("mlp", "wine", 20),
)
"""(network, data, epochs, further options of ``naiad train``)."""

PREDICT = """
import hashlib, sys, naiad
model = naiad.load(sys.argv[1])
print(hashlib.sha256(model.predict(model.samples).scores.tobytes()).hexdigest())
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", required=True)
    parser.add_argument("--after", default=sys.executable)
    options = parser.parse_args()
    different = 0
    with TemporaryDirectory() as home:
        folder = Path(home)
        (folder / "networks.py").write_text(NETWORKS, encoding="utf-8")
        for net, data, epochs, *further in CASES:
            name = f"{net.rpartition(':')[2]}-{data}"
            plan = folder / f"{name}-plan"
            train(options.before, folder, net, data, *further, "--epochs", str(epochs), "--out", str(plan))
            sides = []
            for side, python in (("before", options.before), ("after", options.after)):
                out = folder / f"{name}-{side}"
                train(python, folder, net, data, *further, "--plan", str(plan / "plan.json"), "--out", str(out))
                weights = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
                sides.append((weights, run(python, folder, "-c", PREDICT, str(out)).strip()))
            is_equal = sides[0] == sides[1]
            different += not is_equal
            print(f"{net:24} {data:14} {sides[0][0][:16]} {'equal' if is_equal else 'DIFFERENT'}", flush=True)
        print(f"{len(CASES) - different} of {len(CASES)} equal")
        has_same_answers = compare_answers(options.before, options.after, folder)
    return int(different > 0 or not has_same_answers)


def compare_answers(before: str, after: str, folder: Path) -> bool:
    """Whether live endpoints of both sides give the same bytes. Each side deploys its own copy of the older side's artifact."""
    net, data, *_ = CASES[0]
    script = shutil.copy(Path(__file__).with_name("endpoint_answers.py"), folder)
    answers = []
    for side, python in (("before", before), ("after", after)):
        artifact = shutil.copytree(folder / f"{net}-{data}-before", folder / f"answers-{side}")
        answers.append(run(python, folder, script, str(artifact)).splitlines())
    is_equal = answers[0] == answers[1]
    print(f"{len(answers[0]) - 1} answers of a live endpoint, {answers[0][-1]}: {'equal' if is_equal else 'DIFFERENT'}")
    return is_equal


def train(python: str, folder: Path, net: str, data: str, *options: str) -> None:
    run(python, folder, "-m", "naiad.cli", "train", net, data, "--no-report", *options)


def run(python: str, folder: Path, *words: str) -> str:
    done = subprocess.run([python, *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{python} {' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
