"""Kills runs at random points and compares the resumed ones with the uninterrupted run, bit for bit.

python benchmarks/resume_kills.py [--kills 20] [--net simplenet] [--data fashion-mnist] [--epochs 2]
"""

import argparse

from log import row

from naiad.trainer.verify_resume import verify_resume


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--net", default="simplenet")
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args()
    proof = verify_resume(given.net, given.data, kills=given.kills, epochs=given.epochs, report=print)
    unequal = len({name.partition(":")[0] for name in proof.differing})
    equal = [float(proof.kills - unequal)]
    claim = f"{given.net} on {given.data}, {given.epochs} epochs, kill -9 at {given.kills} random points: runs bitwise equal"
    note = f"killed after steps {', '.join(map(str, proof.steps))}"
    print(row(claim, equal, unit=f"of {given.kills}", goal=f"{given.kills}", script="resume_kills.py", note=note))


if __name__ == "__main__":
    main()
