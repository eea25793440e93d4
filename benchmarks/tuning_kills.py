"""Kills a search at random moments and resumes it: nothing that was finished is lost, nothing finished is trained twice.

    python benchmarks/tuning_kills.py [--kills 20] [--trials 40]

The search and its workers get kill -9. What a kill may cost is the epochs since the last checkpoints of the trials that ran.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from log import log_row

PROGRAM = """
import sys, naiad
from naiad.trainer.tuning.watcher import SilentWatcher
tuned = naiad.tune("mlp", "digits", {"lr": "log:1e-4:0.1", "width": "logint:32:512"}, trials=int(sys.argv[2]), epochs=27,
                   parallel=2, report=False, memory=False, watcher=SilentWatcher(), out=sys.argv[1], resume=True)
print(tuned.trained_twice, sum(trial.epoch for trial in tuned.trials))
"""


def finished(study: Path) -> dict[int, tuple[str, float | None]]:
    """Returns state and score of the trials that were complete or paused, by number, as the journal says."""
    journal = study / "trials.jsonl"
    if not journal.exists():
        return {}
    lines = [line for line in journal.read_text(encoding="utf-8").split("\n") if line.endswith("}")]
    trials = {one["number"]: one for one in map(json.loads, lines)}
    return {number: (one["state"], one["objective"]) for number, one in trials.items() if one["state"] == "complete"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--trials", type=int, default=40)
    options = parser.parse_args()
    moments, lost = random.Random(0), 0
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        command = [sys.executable, "-c", PROGRAM, str(study), str(options.trials)]
        before: dict[int, tuple[str, float | None]] = {}
        for kill in range(options.kills):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
            time.sleep(moments.uniform(2.0, 9.0))
            if kill % 2:
                os.killpg(process.pid, signal.SIGKILL)  # the workers, too, at once
            else:
                process.kill()
            process.wait()
            after = finished(study)
            lost += sum(after.get(number) != score for number, score in before.items())
            before = after
            print(f"kill {kill + 1}: {len(after)} trials complete", flush=True)
        out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        twice, epochs = map(int, out.split())
        after = finished(study)
        lost += sum(after.get(number) != score for number, score in before.items())
    note = f"{twice} epochs of {epochs} trained again, since the last checkpoints of running trials"
    claim = f"finished trials lost or changed by {options.kills} kills of a search"
    print(log_row(claim, [float(lost)], unit="", goal="0", script="tuning_kills.py", note=note))


if __name__ == "__main__":
    main()
