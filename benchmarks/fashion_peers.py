"""Measures the time to an accuracy on Fashion-MNIST with SimpleNet: Naiad, a plain loop, Lightning, skorch, Keras and fastai.

    python benchmarks/fashion_peers.py --build                     # an environment for each peer, once
    python benchmarks/fashion_peers.py --grid                      # each peer's best recipe by validation, written as JSON
    python benchmarks/fashion_peers.py --race --naiad-90 6 8 10 [--seeds 5] [--warm]

Each run is a process of its own. The clock excludes imports and includes reading the files, which are the same for all. All use
every core. Each peer trains the same network without augmentation, in the style of its own documentation, without progress bars
and logs. ``guide-tuned`` is the guide's loop as an expert would tune it by hand: tensors in memory, momentum, a one-cycle
schedule. It takes part in the race and is reported apart.

``--grid`` trains on 55,000 images and chooses on the other 5,000: first the fastest feed, then, for each batch size, the learning
rate and schedule that score best after ``--probe-epochs``, then the shortest length that reaches ``--target`` plus ``--margin``
(the validation images are that much easier than the test images). The batch size with the fewest seconds wins.

``--race`` trains on all 60,000 images and evaluates on the test images, in rounds. Each round has the guide's own recipe; each
peer at its chosen length and the lengths beside it; Naiad with a thirtieth of the guide's time in the same round, to reach its
accuracy; and Naiad with each of the ``--naiad-90`` seconds, to reach ``--target``. A peer's time is that of its fastest
variant whose mean accuracy reaches the target.
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
from fashion_runs import Outcome, Recipe, Runs, mean_accuracy, mean_seconds, unpack

DEBIAN_FILES = Path("/usr/share/datasets/fashion-mnist")
LENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
"""Numbers of epochs that are tried."""
MAX_FIRST_SEED_GAP = 0.005


@dataclass(frozen=True)
class Grid:
    rates: tuple[float, ...]
    batches: tuple[int, ...]
    schedules: tuple[str | None, ...]
    feeds: tuple[dict[str, Any], ...]
    """Ways to feed the loop, which differ in speed alone; the fastest is taken."""


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
    """The search for one peer's recipe, by its accuracy on the held-out images."""

    runs: Runs
    peer: str
    target: float
    seeds: Sequence[int]
    probe_epochs: int
    lengths: Sequence[int]

    def best(self) -> tuple[Recipe, list[Outcome]]:
        grid = GRIDS[self.peer]
        settings = self._fastest_feed(grid)
        candidates = [self._shortest(self._best_rate(grid, batch, settings)) for batch in grid.batches]
        sufficient = [pair for pair in candidates if mean_accuracy(pair[1]) >= self.target]
        if sufficient:
            return min(sufficient, key=lambda pair: mean_seconds(pair[1]))
        print(f"{self.peer} does not reach {self.target:.2%} in {self.lengths[-1]} epochs", flush=True)
        return max(candidates, key=lambda pair: mean_accuracy(pair[1]))

    def _fastest_feed(self, grid: Grid) -> dict[str, Any]:
        if len(grid.feeds) == 1:
            return grid.feeds[0]
        recipe = Recipe(1, grid.batches[-1], grid.rates[0])
        timings = [(self._run(replace(recipe, settings=feed), seeds=[0]), feed) for feed in grid.feeds]
        return min(timings, key=lambda pair: mean_seconds(pair[0]))[1]

    def _best_rate(self, grid: Grid, batch: int, settings: dict[str, Any]) -> Recipe:
        probes = []
        for rate in grid.rates:
            for schedule in grid.schedules:
                recipe_settings = {**settings, "schedule": schedule} if schedule else settings
                recipe = Recipe(self.probe_epochs, batch, rate, recipe_settings)
                probes.append((mean_accuracy(self._run(recipe, seeds=self.seeds[:1])), recipe))
        return max(probes, key=lambda pair: pair[0])[1]

    def _shortest(self, recipe: Recipe) -> tuple[Recipe, list[Outcome]]:
        """Returns the shortest recipe that reaches the target, or else the longest, with its outcomes.

        A length whose first seed is far from the target is not run with other seeds.
        """
        for epochs in self.lengths:
            longer = replace(recipe, epochs=epochs)
            outcomes = self._run(longer, seeds=self.seeds[:1])
            if mean_accuracy(outcomes) >= self.target - MAX_FIRST_SEED_GAP:
                outcomes += self._run(longer, seeds=self.seeds[1:])
                if mean_accuracy(outcomes) >= self.target:
                    break
        return longer, outcomes

    def _run(self, recipe: Recipe, *, seeds: Iterable[int]) -> list[Outcome]:
        outcomes = [self.runs.run_once(self.peer, recipe, seed=seed, validate=True) for seed in seeds]
        accuracies = " ".join(f"{100 * outcome.accuracy:.2f}" for outcome in outcomes)
        if not outcomes:
            return []
        print(f"{self.peer:<10} {mean_seconds(outcomes):7.2f} s  {accuracies:<12} %  {recipe}", flush=True)
        return outcomes


def search_grid(runs: Runs, options: argparse.Namespace) -> None:
    for peer in options.peers:
        target = options.target + options.margin
        seeds = range(100, 100 + options.grid_seeds)
        search = Search(runs, peer, target, seeds, options.probe_epochs, options.lengths)
        recipe, outcomes = search.best()
        print(f"{peer}: {recipe}: {mean_accuracy(outcomes):.2%} of the held-out images", flush=True)
        stored = {**asdict(recipe), "reached": mean_accuracy(outcomes) >= target}
        _recipe_file(runs.folder, peer).write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


def _recipe_file(folder: Path, peer: str) -> Path:
    return folder / f"fashion_{peer}.json"


def recipes_around(folder: Path, peer: str, options: argparse.Namespace) -> list[Recipe]:
    """Returns the recipe that the grid found: at its length and, where it reached the target, at the lengths beside it."""
    file = _recipe_file(folder, peer)
    if not file.exists():
        raise SystemExit(f"{file} is missing: run with --grid first")
    stored = json.loads(file.read_text(encoding="utf-8"))
    neighbours = options.around if stored.pop("reached") else 0
    recipe = Recipe(**stored)
    index = options.lengths.index(recipe.epochs)
    lengths = options.lengths[max(0, index - neighbours) : index + neighbours + 1]
    return [replace(recipe, epochs=epochs) for epochs in lengths]


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--race", action="store_true")
    parser.add_argument("--environments", type=Path, default=environments.DEFAULT)
    parser.add_argument("--peers", nargs="*", default=list(GRIDS), choices=GRIDS)
    parser.add_argument("--target", type=float, default=0.90)
    parser.add_argument(
        "--margin", type=float, default=0.007, help="how much more than the target validation must reach"
    )
    parser.add_argument(
        "--lengths", type=int, nargs="*", default=list(LENGTHS), help="numbers of epochs to try, in rising order"
    )
    parser.add_argument("--probe-epochs", type=int, default=3)
    parser.add_argument("--grid-seeds", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--around", type=int, default=1, help="number of lengths on each side of the chosen one that also race"
    )
    parser.add_argument(
        "--naiad-90",
        type=float,
        nargs="*",
        default=[8.0],
        metavar="S",
        help="time limits with which Naiad tries to reach the target",
    )
    parser.add_argument(
        "--warm", action="store_true", help="also run Naiad with the measurement cache of an earlier run"
    )
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--no-report", action="store_true", help="run Naiad with report=False, since peers make no report"
    )
    parser.add_argument("--samples", type=int, help="train on so many images only, to test the script")
    parser.add_argument(
        "--results", type=Path, help="file of one JSON line for each run (default: beside the environments)"
    )
    options = parser.parse_args()
    options.results = options.results or options.environments / "fashion_race.jsonl"
    if not (options.build or options.grid or options.race):
        parser.error("give --build, --grid or --race")
    return options


def main() -> None:
    options = parse_options()
    options.environments.mkdir(parents=True, exist_ok=True)
    for peer in options.peers:
        if options.build and peer in environments.PACKAGES:
            environments.build_environment(peer, options.environments)
    runs = Runs(
        options.environments, unpack(DEBIAN_FILES, options.environments / "data"), options.samples, options.threads
    )
    if options.grid:
        search_grid(runs, options)
    if options.race:
        recipes = {peer: recipes_around(options.environments, peer, options) for peer in options.peers}
        Race(runs, recipes, options.naiad_90, options.target, options.warm, not options.no_report).run(
            options.seeds, options.results
        )


if __name__ == "__main__":
    main()
