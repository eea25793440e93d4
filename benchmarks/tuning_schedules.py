"""Schedules that bear pauses: how well a rung's score orders trials, and what each schedule costs at the end.

    python benchmarks/tuning_schedules.py [--problems cancer,wine,gru] [--configurations 40] [--epochs 27] [--seeds 1]

The same random configurations are trained to their ends under each schedule, without halving. From their curves: Spearman's rank
correlation of the score at each rung with the score at the end; the best and the upper-quartile score at the end; and the end
score of the configuration that successive halving would have chosen, played on the curves. Epochs are the same for all.
"""

import argparse
import statistics
from collections import defaultdict
from collections.abc import Sequence

from scipy.stats import spearmanr
from tuning_data import problems

import naiad
from naiad.trainer.tuning.halving import make_rungs
from naiad.trainer.tuning.trial import Trial, TrialState
from naiad.trainer.tuning.watcher import SilentWatcher


def schedules(epochs: int) -> dict[str, dict[str, str]]:
    restarts = ",".join(map(str, make_rungs(epochs).epochs))
    return {
        "whole one-cycle": {"schedule": "one-cycle"},
        "constant, decay at the end": {"schedule": "constant-decay"},
        "one-cycle at each rung": {"schedule": "one-cycle", "restarts": restarts},
        "constant-decay at each rung": {"schedule": "constant-decay", "restarts": restarts},
    }


def halved(trials: Sequence[Trial], rungs: Sequence[int]) -> Trial:
    """Returns the trial that synchronous successive halving keeps."""
    left = list(trials)
    for rung in rungs:
        left.sort(key=lambda trial: -(trial.score_at(rung) or 0.0))
        left = left[: max(1, len(left) // 3)]
    return max(left, key=lambda trial: trial.objective or 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", default="cancer,wine,gru")
    parser.add_argument("--configurations", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=27)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    rungs = make_rungs(options.epochs).epochs
    table = defaultdict(list)
    for problem in problems(options.problems.split(",")):
        space = {name: text for name, text in problem.space.items() if name != "schedule"}
        for seed in range(options.seeds):
            for name, plan in schedules(options.epochs).items():
                tuned = naiad.tune(
                    problem.net, problem.data, space, search="random", halving=False, memory=False, report=False,
                    trials=options.configurations + 1, epochs=options.epochs, seed=seed, plan=plan,
                    watcher=SilentWatcher(), **problem.options,
                )  # fmt: skip
                own = [one for one in tuned.own_trials if one.number and one.state is TrialState.COMPLETE]
                ends = [one.objective or 0.0 for one in own]
                orders = [spearmanr([one.score_at(rung) for one in own], ends).statistic for rung in rungs]
                kept = halved(own, rungs).objective or 0.0
                row = (*orders, max(ends), statistics.quantiles(ends, n=4)[2], kept)
                table[name].append(row)
                print(f"{problem.name} {seed} {name:<28}" + " ".join(f"{value:.3f}" for value in row), flush=True)
    print(
        "| schedule | "
        + " | ".join(f"order at epoch {rung}" for rung in rungs)
        + " | best | quartile | halving keeps |"
    )
    print("|---" * (len(rungs) + 4) + "|")
    for name, rows in table.items():
        means = [statistics.fmean(column) for column in zip(*rows, strict=True)]
        print(f"| {name} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")


if __name__ == "__main__":
    main()
