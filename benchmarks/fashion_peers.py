"""Time to an accuracy on Fashion-MNIST with SimpleNet: Naiad against a plain loop, Lightning, skorch, Keras and fastai.

    python benchmarks/fashion_peers.py --build                     # an environment a peer, once
    python benchmarks/fashion_peers.py --grid                      # each peer's best recipe, by validation, kept as JSON
    python benchmarks/fashion_peers.py --race --naiad-90 6 8 10 [--seeds 5] [--warm]

Every run is a process of its own: imports are not on the clock, reading the same files is. All use every core. Every peer trains
the same network without augmentation, in the style of its own documentation, without what it could do without (bars, logs).
``guide-tuned`` is the guide's loop with all that somebody who knows how would write into it by hand: tensors in memory, momentum,
a one-cycle schedule. It races too, and is told apart.

``--grid`` trains on 55,000 images and chooses on the other 5,000: first the fastest feed, then the learning rate, batch and
schedule that score best after ``--probe-epochs``, then the shortest length that reaches ``--target`` plus ``--margin`` (the
validation images are that much easier than the test images), a batch size at a time; the fewest seconds win.

``--race`` trains on all 60,000 and judges by the test images, in rounds: the guide's own recipe, each peer at the length that was
chosen and at its neighbours, and Naiad with a thirtieth of what the guide took in the same round (aim: its accuracy), and with
each of the ``--naiad-90`` seconds (aim: ``--target``). A contender's time is that of its quickest arm whose mean accuracy
reaches the target.
"""

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import environments
from fashion_race import Race
from fashion_runs import Outcome, Recipe, Runs, mean_accuracy, mean_seconds, unpacked

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
LENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
"""Epochs that are tried."""
FAR_OFF = 0.005


@dataclass(frozen=True)
class Grid:
    rates: tuple[float, ...]
    batches: tuple[int, ...]
    schedules: tuple[str | None, ...]
    feeds: tuple[dict[str, Any], ...]
    """Only a matter of speed; the fastest is taken."""


ADAM_RATES = (1e-3, 2e-3, 5e-3)
DOCUMENTED = ({"feed": "documented"}, {"feed": "documented", "workers": 1})
GRIDS = {
    "guide": Grid((0.02, 0.05, 0.1), (32, 64, 128), ("constant",), DOCUMENTED),
    "lightning": Grid(ADAM_RATES, (64, 128), ("constant",), DOCUMENTED),
    "skorch": Grid(ADAM_RATES, (64, 128), ("constant",), ({},)),
    "keras": Grid(ADAM_RATES, (64, 128), ("constant",), ({}, {"layout": "channels_first"})),
    "fastai": Grid(ADAM_RATES, (64, 128), (None,), DOCUMENTED),
    "guide-tuned": Grid((0.05, 0.1), (64, 128), ("one-cycle",), ({"feed": "tensors", "momentum": 0.9},)),
}


@dataclass
class Search:
    """For one peer, by the held-out images."""

    runs: Runs
    peer: str
    target: float
    seeds: Sequence[int]
    probe_epochs: int
    lengths: Sequence[int]

    def best(self) -> tuple[Recipe, list[Outcome]]:
        grid = GRIDS[self.peer]
        settings = self._fastest_feed(grid)
        found = [self._shortest(self._best_rate(grid, batch, settings)) for batch in grid.batches]
        reached = [pair for pair in found if mean_accuracy(pair[1]) >= self.target]
        if reached:
            return min(reached, key=lambda pair: mean_seconds(pair[1]))
        print(f"{self.peer} does not reach {self.target:.2%} in {self.lengths[-1]} epochs", flush=True)
        return max(found, key=lambda pair: mean_accuracy(pair[1]))

    def _fastest_feed(self, grid: Grid) -> dict[str, Any]:
        if len(grid.feeds) == 1:
            return grid.feeds[0]
        recipe = Recipe(1, grid.batches[-1], grid.rates[0])
        timed = [(self._run(replace(recipe, settings=feed), seeds=[0]), feed) for feed in grid.feeds]
        return min(timed, key=lambda pair: mean_seconds(pair[0]))[1]

    def _best_rate(self, grid: Grid, batch: int, settings: dict[str, Any]) -> Recipe:
        probed = []
        for rate in grid.rates:
            for schedule in grid.schedules:
                said = {**settings, "schedule": schedule} if schedule else settings
                recipe = Recipe(self.probe_epochs, batch, rate, said)
                probed.append((mean_accuracy(self._run(recipe, seeds=self.seeds[:1])), recipe))
        return max(probed, key=lambda pair: pair[0])[1]

    def _shortest(self, recipe: Recipe) -> tuple[Recipe, list[Outcome]]:
        """That reaches the target, else the longest. A length whose first seed is far off is not run again."""
        for epochs in self.lengths:
            longer = replace(recipe, epochs=epochs)
            outcomes = self._run(longer, seeds=self.seeds[:1])
            if mean_accuracy(outcomes) >= self.target - FAR_OFF:
                outcomes += self._run(longer, seeds=self.seeds[1:])
                if mean_accuracy(outcomes) >= self.target:
                    break
        return longer, outcomes

    def _run(self, recipe: Recipe, *, seeds: Iterable[int]) -> list[Outcome]:
        outcomes = [self.runs.one(self.peer, recipe, seed=seed, validate=True) for seed in seeds]
        accuracies = " ".join(f"{100 * outcome.accuracy:.2f}" for outcome in outcomes)
        if not outcomes:
            return []
        print(f"{self.peer:<10} {mean_seconds(outcomes):7.2f} s  {accuracies:<12} %  {recipe}", flush=True)
        return outcomes


def grid(runs: Runs, given: argparse.Namespace) -> None:
    for peer in given.peers:
        target = given.target + given.margin
        seeds = range(100, 100 + given.grid_seeds)
        search = Search(runs, peer, target, seeds, given.probe_epochs, given.lengths)
        recipe, outcomes = search.best()
        print(f"{peer}: {recipe}: {mean_accuracy(outcomes):.2%} of the held-out images", flush=True)
        kept = {**asdict(recipe), "reached": mean_accuracy(outcomes) >= target}
        _recipe_file(runs.folder, peer).write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def _recipe_file(folder: Path, peer: str) -> Path:
    return folder / f"fashion_{peer}.json"


def lengths(folder: Path, peer: str, given: argparse.Namespace) -> list[Recipe]:
    """The recipe that the grid found, at its length and, where it reached the target, at its neighbours."""
    file = _recipe_file(folder, peer)
    if not file.exists():
        raise SystemExit(f"{file} is missing: run with --grid first")
    kept = json.loads(file.read_text(encoding="utf-8"))
    beside = given.around if kept.pop("reached") else 0
    chosen = Recipe(**kept)
    at = given.lengths.index(chosen.epochs)
    around = given.lengths[max(0, at - beside) : at + beside + 1]
    return [replace(chosen, epochs=epochs) for epochs in around]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--race", action="store_true")
    parser.add_argument("--environments", type=Path, default=environments.DEFAULT)
    parser.add_argument("--peers", nargs="*", default=list(GRIDS), choices=GRIDS)
    parser.add_argument("--target", type=float, default=0.90)
    parser.add_argument("--margin", type=float, default=0.007, help="what validation must show beyond the target")
    parser.add_argument("--lengths", type=int, nargs="*", default=list(LENGTHS), help="epochs to try, rising")
    parser.add_argument("--probe-epochs", type=int, default=3)
    parser.add_argument("--grid-seeds", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--around", type=int, default=1, help="lengths on each side of the chosen one that race too")
    parser.add_argument(
        "--naiad-90",
        type=float,
        nargs="*",
        default=[8.0],
        metavar="S",
        help="seconds that Naiad is given to reach the target",
    )
    parser.add_argument("--warm", action="store_true", help="also with what Naiad remembers of an earlier run")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--no-report", action="store_true", help="Naiad with report=False: peers make none")
    parser.add_argument("--samples", type=int, help="train on so many only: to see that everything runs")
    parser.add_argument("--results", type=Path, help="a JSON line a run (default: beside the environments)")
    given = parser.parse_args()
    given.results = given.results or given.environments / "fashion_race.jsonl"
    if not (given.build or given.grid or given.race):
        parser.error("give --build, --grid or --race")
    given.environments.mkdir(parents=True, exist_ok=True)
    for peer in given.peers:
        if given.build and peer in environments.PACKAGES:
            environments.build(peer, given.environments)
    runs = Runs(given.environments, unpacked(DEBIAN, given.environments / "data"), given.samples, given.threads)
    if given.grid:
        grid(runs, given)
    if given.race:
        recipes = {peer: lengths(given.environments, peer, given) for peer in given.peers}
        Race(runs, recipes, given.naiad_90, given.target, given.warm, not given.no_report).run(
            given.seeds, given.results
        )


if __name__ == "__main__":
    main()
