"""The race of fashion_peers.py: rounds of every peer in turn, and what is concluded from them."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import environments
from fashion_runs import Outcome, Recipe, Runs, mean_accuracy, mean_seconds
from log import row

GUIDE_RECIPE = Recipe(epochs=10, batch_size=32, learning_rate=0.01, settings={"plain": True})
"""examples/guide as it stands."""
GUIDE_PART = 1 / 30
NAIAD, REMEMBERED = "naiad", "naiad, remembered"
NAMES = {"guide": "plain loop", "guide-tuned": "plain loop tuned by hand"}
"""Of contenders that are not called as their script."""
TUNED = NAMES["guide-tuned"]
GUIDE, GOAL = "guide", "naiad, 1/30 of the guide's time"


@dataclass(frozen=True)
class Arm:
    who: str
    """Arms of one contender: its shortest that reaches the target counts."""
    name: str
    peer: str
    recipe: Recipe
    cache: Path | None = None
    """Naiad's; None is a fresh one each time."""


@dataclass
class Race:
    runs: Runs
    recipes: Mapping[str, Sequence[Recipe]]
    """Of each peer: the lengths that it runs."""
    limits_s: Sequence[float]
    """What Naiad is given to reach the target."""
    target: float
    warm: bool
    """Naiad also with what it remembers of an earlier run."""
    report: bool = True
    """Whether Naiad makes its report and baseline, as it does unless told."""

    def run(self, seeds: int, file: Path) -> None:
        outcomes: dict[Arm, list[Outcome]] = defaultdict(list)
        guide = Arm(GUIDE, GUIDE, "guide", GUIDE_RECIPE)
        goal: list[Outcome] = []
        with tempfile.TemporaryDirectory(prefix="naiad-bench-") as kept, file.open("w", encoding="utf-8") as results:
            self.file = results
            arms = self._arms(Path(kept) if self.warm else None)
            for seed in range(seeds):
                outcomes[guide].append(self._one(guide, seed))
                limit_s = outcomes[guide][-1].seconds * GUIDE_PART
                goal.append(self._one(Arm(GOAL, GOAL, "naiad", self._within(limit_s)), seed))
                for arm in _turned(arms, seed):
                    outcomes[arm].append(self._one(arm, seed))
        self._conclude(outcomes, guide, goal)

    def _arms(self, kept: Path | None) -> list[Arm]:
        arms = [
            Arm(NAMES.get(peer, peer), "", peer, recipe) for peer, recipes in self.recipes.items() for recipe in recipes
        ]
        arms = [Arm(arm.who, f"{arm.who}, {arm.recipe.epochs} epochs", arm.peer, arm.recipe) for arm in arms]
        for limit_s in self.limits_s:
            arms.append(Arm(NAIAD, f"{NAIAD}, {limit_s:g} s", "naiad", self._within(limit_s)))
            if kept is not None:
                cache = kept / f"{limit_s:g}"
                self.runs.one("naiad", self._within(limit_s), seed=1_000, cache=cache)
                arms.append(Arm(REMEMBERED, f"{REMEMBERED}, {limit_s:g} s", "naiad", self._within(limit_s), cache))
        return arms

    def _within(self, limit_s: float) -> Recipe:
        return Recipe(settings={"time_limit_s": limit_s, "report": self.report})

    def _one(self, arm: Arm, seed: int) -> Outcome:
        outcome = self.runs.one(arm.peer, arm.recipe, seed=seed, cache=arm.cache)
        print(f"seed {seed}  {arm.name:<34} {outcome.seconds:7.2f} s  {100 * outcome.accuracy:.2f} %", flush=True)
        self.file.write(json.dumps({"arm": arm.name, "seed": seed, **asdict(outcome)}) + "\n")
        self.file.flush()
        return outcome

    # ---- what it shows

    def _conclude(self, outcomes: Mapping[Arm, Sequence[Outcome]], guide: Arm, goal: Sequence[Outcome]) -> None:
        print()
        for arm, found in outcomes.items():
            ours = f"time limit {arm.recipe.settings.get('time_limit_s', 0):g} s"
            said = ours if arm.peer == "naiad" else str(arm.recipe)
            note = "; ".join(part for part in (environments.version(arm.peer), said) if part)
            _say(f"{arm.name}: seconds", [one.seconds for one in found], unit="s", note=note)
            _say(f"{arm.name}: accuracy", [100 * one.accuracy for one in found], unit="% test accuracy", note=note)
        self._say_goal(outcomes[guide], goal)
        best = self._quickest({arm: found for arm, found in outcomes.items() if arm is not guide})
        rivals = [who for who in best if who not in {NAIAD, REMEMBERED, TUNED}]
        if not rivals:
            print(f"no peer reaches {self.target:.0%}")
            return
        fastest = min(rivals, key=lambda who: mean_seconds(outcomes[best[who]]))
        for ours in (NAIAD, REMEMBERED):
            for theirs in (fastest, TUNED):
                if ours in best and theirs in best:
                    self._say_ratio(best[ours], best[theirs], outcomes)

    def _say_goal(self, guide: Sequence[Outcome], goal: Sequence[Outcome]) -> None:
        accuracies = [100 * one.accuracy for one in goal]
        _say(f"{GOAL}: accuracy", accuracies, unit="% test accuracy", goal=f"≥ {100 * mean_accuracy(guide):.2f} %")
        ratios = [theirs.seconds / ours.seconds for theirs, ours in zip(guide, goal, strict=True)]
        gap = f"accuracy {100 * (mean_accuracy(goal) - mean_accuracy(guide)):+.2f} points"
        seconds = f"{mean_seconds(guide):.1f} and {mean_seconds(goal):.2f} s"
        _say(f"guide's {GUIDE_RECIPE.epochs} epochs ÷ naiad", ratios, unit="×", goal="≥ 30", note=f"{seconds}; {gap}")

    def _quickest(self, outcomes: Mapping[Arm, Sequence[Outcome]]) -> dict[str, Arm]:
        """By contender; those that do not reach the target are left out, and told."""
        best: dict[str, Arm] = {}
        for who in dict.fromkeys(arm.who for arm in outcomes):
            reached = [arm for arm in outcomes if arm.who == who and mean_accuracy(outcomes[arm]) >= self.target]
            if reached:
                best[who] = min(reached, key=lambda arm: mean_seconds(outcomes[arm]))
                seconds = [one.seconds for one in outcomes[best[who]]]
                note = f"{best[who].name}: {mean_accuracy(outcomes[best[who]]):.2%}"
                _say(f"time to {self.target:.0%}: {who}", seconds, unit="s", note=note)
            else:
                print(f"time to {self.target:.0%}: {who}: not reached by what was run")
        return best

    def _say_ratio(self, ours: Arm, theirs: Arm, outcomes: Mapping[Arm, Sequence[Outcome]]) -> None:
        pairs = zip(outcomes[theirs], outcomes[ours], strict=True)
        ratios = [theirs_.seconds / ours_.seconds for theirs_, ours_ in pairs]
        accuracies = " and ".join(f"{arm.name} {mean_accuracy(outcomes[arm]):.2%}" for arm in (theirs, ours))
        claim, goal = f"fastest peer to {self.target:.0%} ({theirs.who}) ÷ {ours.who}", "≥ 3"
        if theirs.who == TUNED:
            claim, goal = f"{TUNED} to {self.target:.0%} ÷ {ours.who}", ""
        _say(claim, ratios, unit="×", goal=goal, note=accuracies)


def _turned(arms: Sequence[Arm], by: int) -> list[Arm]:
    """Begins elsewhere each round."""
    by = by * (len(arms) // 3 + 1) % len(arms)
    return [*arms[by:], *arms[:by]]


def _say(claim: str, values: Sequence[float], *, unit: str, goal: str = "", note: str = "") -> None:
    print(row(claim, values, unit=unit, goal=goal, script="fashion_peers.py", note=note), flush=True)
