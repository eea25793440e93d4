"""Time to the best validation score of random search: ours, random search, and plain Optuna (TPE with its ASHA pruner).

    python benchmarks/tuning_race.py [--problems fashion,cancer,wine,gru] [--seeds 5] [--trials 50] [--epochs 27]

Random search trains 50 trials in the space to their ends. Each seed: random search, ours, Optuna, one after the other. Ours and
random search are ``naiad.tune``; Optuna calls ``naiad.fit`` for each trial, reports each epoch and prunes, as its manual shows.
All train one trial at a time, with the same epochs. A ratio is the time to random search's best score in units of random search's
whole time; ``inf`` where it is not reached. The final test of ours is compared with that of the untuned run.
"""

import argparse
import math
import statistics
import time
from collections import defaultdict

import optuna
from log import log_row
from tuning_data import NAMES, Problem, problems

import naiad
from naiad.trainer.data.prepare import DataOptions, prepare
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.tuning.halving import make_rungs
from naiad.trainer.tuning.networks import TrialNetworks
from naiad.trainer.tuning.space import make_space
from naiad.trainer.tuning.space_text import parse_dimension
from naiad.trainer.tuning.targets import Targets
from naiad.trainer.tuning.tuned import Tuned
from naiad.trainer.tuning.watcher import SilentWatcher


def run_tune(problem: Problem, seed: int, epochs: int, **options: object) -> Tuned:
    return naiad.tune(
        problem.net, problem.data, problem.space, seed=seed, epochs=epochs, memory=False, report=False, parallel=1,
        watcher=SilentWatcher(), **problem.options, **options,
    )  # fmt: skip


def time_to(tuned: Tuned, score: float) -> float:
    ends = [one.ended_s or 0.0 for one in tuned.own_trials if one.objective is not None and one.objective >= score]
    return min(ends, default=math.inf)


class _Pruning(SilentProgress):
    """Reports each epoch to Optuna, and ends the run where Optuna says so."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def end_epoch(self, record: object) -> None:
        self.trial.report(record.validation["accuracy"], record.epoch)
        if self.trial.should_prune():
            raise KeyboardInterrupt  # passes through fit


def run_optuna(problem: Problem, seed: int, epochs: int, trials: int, *, until: float) -> float:
    """Returns the seconds until a complete trial has the score ``until``."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = make_space([parse_dimension(name, text) for name, text in problem.space.items()])
    targets = Targets(space, [name for name in ("hidden", "width", "dropout", "activation") if name in problem.space])
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=make_rungs(epochs).epochs[0], reduction_factor=3)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner)
    started, reached = time.perf_counter(), [math.inf]

    def objective(trial: optuna.Trial) -> float:
        values = {}
        for one in space.dimensions:
            if one.choices:
                values[one.name] = trial.suggest_categorical(one.name, one.choices)
            elif one.kind == "integer":
                values[one.name] = trial.suggest_int(one.name, int(one.low), int(one.high), log=one.scale == "log")
            else:
                values[one.name] = trial.suggest_float(one.name, one.low, one.high, log=one.scale == "log")
        choices = targets.choices(values)
        net, _ = make_networks(problem).make(choices.network)
        try:
            model = naiad.fit(
                net, problem.data, epochs=epochs, seed=seed, plan={**choices.plan, "measure_fraction": 0}, report=False,
                progress=_Pruning(trial), **problem.options,
            )  # fmt: skip
        except KeyboardInterrupt:
            raise optuna.TrialPruned from None
        score = model.history[-1].validation["accuracy"]
        if score >= until:
            reached[0] = min(reached[0], time.perf_counter() - started)
        return score

    study.optimize(objective, n_trials=trials, callbacks=[lambda s, _: s.stop() if reached[0] < math.inf else None])
    return reached[0]


def make_networks(problem: Problem) -> TrialNetworks:
    return TrialNetworks(problem.net, prepare(problem.data, DataOptions(**problem.options)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", default=",".join(NAMES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=27)
    options = parser.parse_args()
    for problem in problems(options.problems.split(",")):
        ratios: dict[str, list[float]] = defaultdict(list)
        gains = []
        for seed in range(options.seeds):
            random = run_tune(problem, seed, options.epochs, search="random", halving=False, trials=options.trials)
            own = [trial for trial in random.own_trials if trial.number > 0 and trial.objective is not None]
            best, whole_s = max(trial.objective for trial in own), max(trial.ended_s for trial in random.own_trials)
            ours = run_tune(problem, seed, options.epochs, trials=2 * options.trials)
            ratios["ours"].append(time_to(ours, best) / whole_s)
            reached_s = run_optuna(problem, seed, options.epochs, 2 * options.trials, until=best)
            ratios["optuna"].append(reached_s / whole_s)
            untuned = naiad.fit(
                make_networks(problem).make({})[0], problem.data, epochs=options.epochs, seed=seed, report=False,
                progress=SilentProgress(), **problem.options,
            )  # fmt: skip
            scores = [one.evaluations["test"]["headline"]["value"] for one in (ours.model, untuned)]
            gains.append(scores[0] - scores[1])
            print(
                f"{problem.name} seed {seed}: random best {best:.4f} in {whole_s:.1f} s; "
                f"ours {ratios['ours'][-1]:.3f}, optuna {ratios['optuna'][-1]:.3f}; test {scores[0]:.4f}, "
                f"untuned {scores[1]:.4f}; {ours.verdict.text}",
                flush=True,
            )
        for name, values in ratios.items():
            claim = f"{problem.name}: time of {name} to random search's best of {options.trials} trials"
            finite = [min(value, 9.99) for value in values]
            print(log_row(claim, finite, unit="of its time", goal="≤ 1/3", script="tuning_race.py"))
        note = f"lowest {min(gains):+.4f}, median {statistics.median(gains):+.4f}"
        print(log_row(f"{problem.name}: test score, tuned − untuned", gains, unit="", goal="≥ 0 beyond noise",
                      script="tuning_race.py", note=note))  # fmt: skip


if __name__ == "__main__":
    main()
