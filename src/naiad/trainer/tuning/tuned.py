"""The result of a search: the model, its trials, and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from naiad.trainer.model.model import Model
from naiad.trainer.tuning.objective import Objective
from naiad.trainer.tuning.search_settings import BASE, Ending
from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.trial import Trial, TrialState, Value
from naiad.trainer.tuning.verdict import Verdict


@dataclass(frozen=True)
class Tuned:
    """The result of ``tune``. The model is that of the chosen trial, tested once."""

    model: Model
    chosen: Trial
    """The best trial where it is better than trial 0 beyond its noise, else trial 0."""
    verdict: Verdict
    trials: tuple[Trial, ...]
    """All trials by number, the repetitions with other seeds among them."""
    space: Space
    objective: Objective
    ending: Ending
    """Why the search ended."""
    epochs: int
    """Epochs of a whole trial."""
    rungs: tuple[int, ...]
    importance: Mapping[str, float] = field(default_factory=dict)
    """Importance of each dimension, largest first, adding up to 1; empty with too few trials."""
    seconds: float = 0.0
    """Wall time of this call."""
    parallel: int = 1
    """Trials at once."""
    trained_twice: int = 0
    """Epochs that were trained again after a crash."""
    notes: tuple[str, ...] = ()
    path: Path | None = None
    """The folder of the search; None where nothing was kept."""
    report: Path | None = None
    """The page ``report.html``; None without a folder."""

    @property
    def values(self) -> dict[str, Value]:
        """Values of the chosen trial, by the names of the space."""
        return dict(self.chosen.values)

    @property
    def base(self) -> Trial:
        """Trial 0, which followed the untuned plan."""
        return next(trial for trial in self.trials if trial.number == BASE)

    @property
    def history(self) -> tuple[tuple[float, float], ...]:
        """(seconds, best score so far) at the end of each complete trial that was better than those before."""
        complete = [one for one in self.own_trials if one.state is TrialState.COMPLETE and one.objective is not None]
        points: list[tuple[float, float]] = []
        for trial in sorted(complete, key=lambda one: one.ended_s or 0.0):
            assert trial.objective is not None
            if not points or self.objective.direction.is_better(trial.objective, points[-1][1]):
                points.append((trial.ended_s or 0.0, trial.objective))
        return tuple(points)

    @property
    def own_trials(self) -> tuple[Trial, ...]:
        """The trials without repetitions."""
        return tuple(trial for trial in self.trials if trial.repeat_of is None)

    def table(self) -> list[dict[str, Any]]:
        """Returns a row for each trial, as a DataFrame takes them."""
        return [
            {
                "trial": trial.number,
                "state": trial.state.value,
                self.objective.metric: trial.score,
                "epochs": trial.epoch,
                "seconds": round(trial.seconds, 3),
                **trial.values,
                "repeat_of": trial.repeat_of,
                "seed": trial.seed,
                "reason": trial.reason,
            }
            for trial in self.trials
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "chosen": self.chosen.to_json(),
            "metric": self.objective.metric,
            "direction": self.objective.direction.value,
            "verdict": {
                "is_better": self.verdict.is_better,
                "gain": self.verdict.gain,
                "noise": self.verdict.noise,
                "text": self.verdict.text,
            },
            "ending": self.ending.value,
            "epochs": self.epochs,
            "rungs": list(self.rungs),
            "space": self.space.to_json(),
            "importance": dict(self.importance),
            "history": [list(point) for point in self.history],
            "trials": [trial.to_json() for trial in self.trials],
            "evaluations": self.model.evaluations,
            "plan": self.model.plan.to_json(),
            "seconds": round(self.seconds, 3),
            "parallel": self.parallel,
            "epochs_trained_twice": self.trained_twice,
            "notes": list(self.notes),
            "artifact": None if self.model.path is None else str(self.model.path),
            "report": None if self.report is None else str(self.report),
        }
