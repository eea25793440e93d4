"""Cost of a search beside the steps of its trials, and the rate of two trials at once.

    python benchmarks/tuning_rate.py [--runs 5] [--epochs 9] [--trials 12]

Overhead: time of a worker besides the epochs, a trial. Rate: epochs a second of two trials at once on two cores, in units of what
two independent processes reach on the same cores, with the same plan. Promotions: epochs of a search whose promoted trials are
trained from the start again, in units of one whose trials go on.
"""

import argparse
import json
import subprocess
import sys
import time

from log import log_row
from tuning_data import problems

import naiad
from naiad.trainer.tuning.trial import TrialState
from naiad.trainer.tuning.tuned import Tuned
from naiad.trainer.tuning.watcher import SilentWatcher

SPACE = {"lr": "log:0.001:0.1", "activation": "relu,gelu"}


def run(epochs: int, trials: int, parallel: int, *, halving: bool = False) -> tuple[Tuned, float]:
    (problem,) = problems(["fashion"])
    started = time.perf_counter()
    tuned = naiad.tune(
        problem.net, problem.data, SPACE, search="random", halving=halving, memory=False, report=False, trials=trials,
        epochs=epochs, parallel=parallel, plan={"optimizer": "sgd", "batch_size": 64}, watcher=SilentWatcher(),
    )  # fmt: skip
    return tuned, time.perf_counter() - started


def epochs_per_second(tuned: Tuned) -> float:
    """Counts the epochs of the search between the end of its first trial and its last."""
    own = sorted(
        (one for one in tuned.own_trials if one.state is TrialState.COMPLETE), key=lambda one: one.ended_s or 0.0
    )
    span_s = (own[-1].ended_s or 0.0) - (own[0].ended_s or 0.0)
    return sum(one.epoch for one in own[1:]) / span_s


def independent_rate(epochs: int, trials: int) -> float:
    """Returns the epochs a second of two processes that search alone, each on one core, at the same time."""
    command = [sys.executable, __file__, "--alone", "--epochs", str(epochs), "--trials", str(trials // 2)]
    processes = [
        subprocess.Popen(["taskset", "-c", str(core), *command], stdout=subprocess.PIPE, text=True) for core in (0, 1)
    ]
    return sum(json.loads(process.communicate()[0].splitlines()[-1]) for process in processes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(epochs_per_second(run(options.epochs, options.trials, 1)[0])))
        return
    rates, overheads, promotions = [], [], []
    for _ in range(options.runs):
        tuned, _ = run(options.epochs, options.trials, 2)
        rates.append(epochs_per_second(tuned) / independent_rate(options.epochs, options.trials))
        ended = sorted(one.ended_s or 0.0 for one in tuned.own_trials)
        busy_s, span_s = sum(one.seconds for one in tuned.own_trials), 2 * ended[-1]
        overheads.append(max(0.0, span_s - busy_s) / len(tuned.own_trials))
        halved, _ = run(27, options.trials, 2, halving=True)
        epochs = sum(one.epoch for one in halved.own_trials)
        again = sum(
            rung for one in halved.own_trials for rung in halved.rungs if rung <= one.paused_at and one.epoch > rung
        )
        promotions.append((epochs + again) / epochs)
    script = "tuning_rate.py"
    print(log_row("two trials at once, of two processes' rate", rates, unit="", goal="≥ 0.9", script=script))
    print(log_row("a trial's time beside its epochs", overheads, unit="s", goal="≤ 0.3 s", script=script))
    print(log_row("epochs with retraining, of those without", promotions, unit="", goal="≥ 1.5", script=script))


if __name__ == "__main__":
    main()
