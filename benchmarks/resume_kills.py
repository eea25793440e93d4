"""Kills runs at random points and compares each resumed run with the uninterrupted one, bit for bit.

python benchmarks/resume_kills.py [--kills 20] [--net simplenet] [--data fashion-mnist] [--epochs 2]
"""

import argparse
import sys

from log import log_row

from naiad.trainer.verify_resume import verify_resume


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--net", default="simplenet")
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    command = [sys.executable, "-m", "naiad.cli", "train", options.net, options.data]
    proof = verify_resume(command, kills=options.kills, epochs=options.epochs, report=print)
    unequal = len({name.partition(":")[0] for name in proof.differing})
    equal = [float(proof.kills - unequal)]
    run = f"{options.net} on {options.data}, {options.epochs} epochs"
    claim = f"{run}, kill -9 at {options.kills} random points: runs bitwise equal"
    note = f"killed after steps {', '.join(map(str, proof.steps))}"
    print(
        log_row(claim, equal, unit=f"of {options.kills}", goal=f"{options.kills}", script="resume_kills.py", note=note)
    )


if __name__ == "__main__":
    main()
