"""The race of fashion_peers.py: rounds of every peer in turn, and the rows that follow from them."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import environments
from fashion_runs import Outcome, Recipe, Runs, mean_accuracy, mean_seconds
from log import log_row

GUIDE_RECIPE = Recipe(epochs=10, batch_size=32, learning_rate=0.01, settings={"plain": True})
"""The recipe of examples/guide, unchanged."""
GUIDE_FRACTION = 1 / 30
NAIAD, NAIAD_CACHED = "naiad", "naiad, remembered"
NAMES = {"guide": "plain loop", "guide-tuned": "plain loop tuned by hand"}
"""Names of groups that differ from those of their scripts."""
TUNED = NAMES["guide-tuned"]
GUIDE, NAIAD_AS_GUIDE = "guide", "naiad, 1/30 of the guide's time"


@dataclass(frozen=True)
class Contestant:
    group: str
    """Contestants of one group differ in length; the fastest one that reaches the target counts."""
    name: str
    peer: str
    recipe: Recipe
    cache: Path | None = None
    """Naiad's measurement cache; None is an empty one for each run."""


Outcomes = dict[Contestant, list[Outcome]]


@dataclass
class Race:
    runs: Runs
    recipes: Mapping[str, Sequence[Recipe]]
    """The recipes of each peer, by length."""
    limits_s: Sequence[float]
    """The time limits with which Naiad tries to reach the target."""
    target: float
    with_cache: bool
    """Whether Naiad also runs with the measurement cache of an earlier run."""
    report: bool = True
    """Whether Naiad makes its report and baseline, as it does by default."""

    def run(self, seeds: int, file: Path) -> None:
        outcomes: Outcomes = defaultdict(list)
        guide = Contestant(GUIDE, GUIDE, "guide", GUIDE_RECIPE)
        as_guide: list[Outcome] = []
        with tempfile.TemporaryDirectory(prefix="naiad-bench-") as caches, file.open("w", encoding="utf-8") as results:
            self.file = results
            contestants = self._make_contestants(Path(caches) if self.with_cache else None)
            for seed in range(seeds):
                outcomes[guide].append(self._run_once(guide, seed))
                limit_s = outcomes[guide][-1].seconds * GUIDE_FRACTION
                naiad = Contestant(NAIAD_AS_GUIDE, NAIAD_AS_GUIDE, "naiad", self._naiad_recipe(limit_s))
                as_guide.append(self._run_once(naiad, seed))
                for contestant in _rotate(contestants, seed):
                    outcomes[contestant].append(self._run_once(contestant, seed))
        self._print_results(outcomes, guide, as_guide)

    def _make_contestants(self, caches: Path | None) -> list[Contestant]:
        contestants = []
        for peer, recipes in self.recipes.items():
            group = NAMES.get(peer, peer)
            contestants += [Contestant(group, f"{group}, {recipe.epochs} epochs", peer, recipe) for recipe in recipes]
        for limit_s in self.limits_s:
            recipe = self._naiad_recipe(limit_s)
            contestants.append(Contestant(NAIAD, f"{NAIAD}, {limit_s:g} s", "naiad", recipe))
            if caches is not None:
                cache = caches / f"{limit_s:g}"
                self.runs.run_once("naiad", recipe, seed=1_000, cache=cache)
                contestants.append(Contestant(NAIAD_CACHED, f"{NAIAD_CACHED}, {limit_s:g} s", "naiad", recipe, cache))
        return contestants

    def _naiad_recipe(self, limit_s: float) -> Recipe:
        return Recipe(settings={"time_limit_s": limit_s, "report": self.report})

    def _run_once(self, contestant: Contestant, seed: int) -> Outcome:
        outcome = self.runs.run_once(contestant.peer, contestant.recipe, seed=seed, cache=contestant.cache)
        accuracy = 100 * outcome.accuracy
        print(f"seed {seed}  {contestant.name:<34} {outcome.seconds:7.2f} s  {accuracy:.2f} %", flush=True)
        self.file.write(json.dumps({"arm": contestant.name, "seed": seed, **asdict(outcome)}) + "\n")
        self.file.flush()
        return outcome

    # ---- results

    def _print_results(self, outcomes: Outcomes, guide: Contestant, as_guide: Sequence[Outcome]) -> None:
        print()
        for contestant, runs in outcomes.items():
            limit = f"time limit {contestant.recipe.settings.get('time_limit_s', 0):g} s"
            recipe = limit if contestant.peer == "naiad" else str(contestant.recipe)
            note = "; ".join(text for text in (environments.version_of(contestant.peer), recipe) if text)
            accuracies = [100 * run.accuracy for run in runs]
            _print_row(f"{contestant.name}: seconds", [run.seconds for run in runs], unit="s", note=note)
            _print_row(f"{contestant.name}: accuracy", accuracies, unit="% test accuracy", note=note)
        self._print_guide_ratio(outcomes[guide], as_guide)
        best = self._fastest_by_group({name: runs for name, runs in outcomes.items() if name is not guide})
        peers = [group for group in best if group not in {NAIAD, NAIAD_CACHED, TUNED}]
        if not peers:
            print(f"no peer reaches {self.target:.0%}")
            return
        fastest = min(peers, key=lambda group: mean_seconds(outcomes[best[group]]))
        for naiad in (NAIAD, NAIAD_CACHED):
            for peer in (fastest, TUNED):
                if naiad in best and peer in best:
                    self._print_ratio(best[naiad], best[peer], outcomes)

    def _print_guide_ratio(self, guide: Sequence[Outcome], as_guide: Sequence[Outcome]) -> None:
        accuracies = [100 * outcome.accuracy for outcome in as_guide]
        goal = f"≥ {100 * mean_accuracy(guide):.2f} %"
        _print_row(f"{NAIAD_AS_GUIDE}: accuracy", accuracies, unit="% test accuracy", goal=goal)
        ratios = [plain.seconds / naiad.seconds for plain, naiad in zip(guide, as_guide, strict=True)]
        gap = f"accuracy {100 * (mean_accuracy(as_guide) - mean_accuracy(guide)):+.2f} points"
        note = f"{mean_seconds(guide):.1f} and {mean_seconds(as_guide):.2f} s; {gap}"
        _print_row(f"guide's {GUIDE_RECIPE.epochs} epochs ÷ naiad", ratios, unit="×", goal="≥ 30", note=note)

    def _fastest_by_group(self, outcomes: Outcomes) -> dict[str, Contestant]:
        """Returns the fastest contestant of each group that reaches the target; prints the groups that do not."""
        best: dict[str, Contestant] = {}
        reached = [contestant for contestant, runs in outcomes.items() if mean_accuracy(runs) >= self.target]
        for group in dict.fromkeys(contestant.group for contestant in outcomes):
            candidates = [contestant for contestant in reached if contestant.group == group]
            if not candidates:
                print(f"time to {self.target:.0%}: {group}: not reached by what was run")
                continue
            best[group] = min(candidates, key=lambda contestant: mean_seconds(outcomes[contestant]))
            runs = outcomes[best[group]]
            note = f"{best[group].name}: {mean_accuracy(runs):.2%}"
            _print_row(f"time to {self.target:.0%}: {group}", [run.seconds for run in runs], unit="s", note=note)
        return best

    def _print_ratio(self, naiad: Contestant, peer: Contestant, outcomes: Outcomes) -> None:
        pairs = zip(outcomes[peer], outcomes[naiad], strict=True)
        ratios = [peer_run.seconds / naiad_run.seconds for peer_run, naiad_run in pairs]
        note = " and ".join(f"{one.name} {mean_accuracy(outcomes[one]):.2%}" for one in (peer, naiad))
        claim, goal = f"fastest peer to {self.target:.0%} ({peer.group}) ÷ {naiad.group}", "≥ 3"
        if peer.group == TUNED:
            claim, goal = f"{TUNED} to {self.target:.0%} ÷ {naiad.group}", ""
        _print_row(claim, ratios, unit="×", goal=goal, note=note)


def _rotate(contestants: Sequence[Contestant], offset: int) -> list[Contestant]:
    """Has each round start with another contestant."""
    offset = offset * (len(contestants) // 3 + 1) % len(contestants)
    return [*contestants[offset:], *contestants[:offset]]


def _print_row(claim: str, values: Sequence[float], *, unit: str, goal: str = "", note: str = "") -> None:
    print(log_row(claim, values, unit=unit, goal=goal, script="fashion_peers.py", note=note), flush=True)
