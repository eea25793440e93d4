"""What was learnt by measuring, kept for the next run of the same network on the same kind of data and machine.

One small file a question, in the user's cache folder, sealed by its own sha256. Nothing here is needed: a file that is missing,
damaged or not writable means that the next run measures again.
"""

import contextlib
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from naiad import durable
from naiad.errors import OptionError
from naiad.trainer.artifact import manifest
from naiad.trainer.autoscale.fingerprint import fingerprint
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.plan.overrides import USE_RULE, check_overrides
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

_OUTCOMES = 10
_PREFIX = "remembered: "


@dataclass(frozen=True)
class Remembered:
    path: Path

    @classmethod
    def of(
        cls, net: nn.Module, dataset: Dataset, wishes: Mapping[str, Any], *, folder: Path | None = None
    ) -> "Remembered":
        """Of a network, what it learns from, what the user wished, and the machine: see ``fingerprint.py``."""
        name = fingerprint(net, dataset, wishes)[:32]
        return cls((folder if folder is not None else cache_folder()) / f"{name}.json")

    def recall(self, plan: Plan, names: Iterable[str]) -> "Recalled":
        """The plan with those of these choices that were learnt, as they were taken the last time."""
        kept = self._read()
        choices, answered = kept.get("choices", {}), kept.get("answered", ())
        taken, recalled = frozenset(names) & frozenset(choices), plan
        try:
            for name in sorted(taken):
                recalled = recalled.with_choice(
                    name, _checked(name, choices[name]["value"]), _reason(choices[name]["reason"])
                )
        except (OptionError, KeyError, TypeError):  # of another Naiad's file: what it calls a choice is none here
            return Recalled(plan)
        return Recalled(recalled, taken, taken | frozenset(answered))

    def keep_choices(self, plan: Plan, learnt: Iterable[str], *, answered: Iterable[str] = ()) -> None:
        """Adds what was learnt to what is known. answered: choices that need no more measuring, with a value or without one."""
        why, kept = dict(plan.reasons), self._read()
        choices = {name: {"value": getattr(plan, name), "reason": asdict(why[name])} for name in learnt if name in why}
        every = sorted({*kept.get("answered", ()), *answered})
        self._write({**kept, "choices": {**kept.get("choices", {}), **choices}, "answered": every})

    def finishing_s(self, how: str) -> float | None:
        """Seconds of testing and saving, ``how``: with what."""
        seconds: float | None = self._read().get("finishing_s", {}).get(how)
        return seconds

    def outcomes(self) -> list[tuple[int, float]]:
        """Steps and score of the last runs, the latest last."""
        return [(steps, score) for steps, score in self._read().get("outcomes", ())]

    def keep_ending(self, how: str, seconds: float, *, steps: int, score: float | None) -> None:
        """What came after training took, ``how``: with what; and what was reached after so many steps, if it is a number."""
        kept, outcomes = self._read(), self.outcomes()
        if score is not None and math.isfinite(score) and steps > 0:
            outcomes.append((steps, score))
        finishing_s = {**kept.get("finishing_s", {}), how: seconds}
        self._write({**kept, "finishing_s": finishing_s, "outcomes": outcomes[-_OUTCOMES:]})

    def _read(self) -> dict[str, Any]:
        try:
            return manifest.unseal(self.path.read_bytes())
        except (OSError, ValueError):
            return {}

    def _write(self, values: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            durable.write_file(self.path, manifest.seal(values))


@dataclass(frozen=True)
class Recalled:
    """A plan with what was known of it."""

    plan: Plan
    taken: frozenset[str] = frozenset()
    """Choices whose value was remembered."""
    answered: frozenset[str] = frozenset()
    """Choices that need no measuring: those, and the ones that measuring had nothing to say of."""


def _checked(name: str, value: Any) -> Any:
    """As the plan has it. Raises OptionError, TypeError where it is no value of this choice."""
    checked = check_overrides({name: value})[name]
    if checked == USE_RULE or checked != (tuple(value) if isinstance(value, list) else value):
        raise OptionError(f"{name} cannot be {value!r}")
    return checked


def _reason(why: Mapping[str, Any]) -> Reason:
    text = why["text"].removeprefix(_PREFIX)
    return Reason(_PREFIX + text, why["measured"], tuple(Measurement(**trial) for trial in why["measurements"]))


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/naiad/autoscale``, else ``~/.cache/naiad/autoscale``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "naiad" / "autoscale"
