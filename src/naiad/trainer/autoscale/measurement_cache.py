"""Cache of what was measured, for the next run of the same network on the same kind of data and machine.

One small file for each fingerprint, in the user's cache folder, sealed by its own sha256. Nothing here is needed: where a file is
missing, damaged or not writable, the next run measures again.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from naiad import durable
from naiad.errors import OptionError
from naiad.trainer.artifact import checksums
from naiad.trainer.autoscale.fingerprint import fingerprint
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.plan.overrides import USE_RULE, check_overrides
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

_PREFIX = "from an earlier run: "


@dataclass(frozen=True)
class CachedPlan:
    """A plan with the choices that earlier runs measured."""

    plan: Plan
    names: frozenset[str] = frozenset()
    """Choices whose value is from the cache."""
    answered: frozenset[str] = frozenset()
    """Choices that need no measuring: those, and the ones that measuring left to their rules."""


@dataclass(frozen=True)
class MeasurementCache:
    path: Path

    @classmethod
    def for_run(
        cls,
        net: nn.Module,
        dataset: Dataset,
        overrides: Mapping[str, Any],
        *,
        processes: int = 1,
        is_contended: bool = False,
        folder: Path | None = None,
    ) -> "MeasurementCache":
        """The cache of this network, data, overrides and machine: see ``fingerprint.py``.

        processes: that train together. is_contended: other programs want the cores; what is measured then holds only then.
        """
        unusual = {"processes": processes if processes > 1 else 0, "contended": int(is_contended)}
        facts = {**overrides, **{name: value for name, value in unusual.items() if value}}
        name = fingerprint(net, dataset, facts)[:32]
        return cls((folder if folder is not None else cache_folder()) / f"{name}.json")

    def lookup(self, plan: Plan, names: Iterable[str]) -> CachedPlan:
        """The plan with those of the named choices that are in the cache."""
        stored = self._read()
        choices, answered = stored.get("choices", {}), stored.get("answered", ())
        known, cached = frozenset(names) & frozenset(choices), plan
        try:
            for name in sorted(known):
                value, reason = _read_value(name, choices[name]["value"]), _read_reason(choices[name]["reason"])
                cached = cached.with_choice(name, value, reason)
        except (OptionError, KeyError, TypeError):  # another version of Naiad wrote the file
            return CachedPlan(plan)
        return CachedPlan(cached, known, known | frozenset(answered))

    def store_choices(self, plan: Plan, names: Iterable[str], *, answered: Iterable[str] = ()) -> None:
        """Adds the named choices of the plan. answered: choices that need no more measuring, with a value or without one."""
        reasons, stored = dict(plan.reasons), self._read()
        choices = {
            name: {"value": getattr(plan, name), "reason": asdict(reasons[name])} for name in names if name in reasons
        }
        all_answered = sorted({*stored.get("answered", ()), *answered})
        self._write({**stored, "choices": {**stored.get("choices", {}), **choices}, "answered": all_answered})

    def finalization_s(self, kind: str) -> float | None:
        """Seconds that a finalization of this kind took the last time; None where there was none."""
        seconds: float | None = self._read().get("finalization_s", {}).get(kind)
        return seconds

    def store_finalization(self, kind: str, seconds: float) -> None:
        stored = self._read()
        self._write({**stored, "finalization_s": {**stored.get("finalization_s", {}), kind: seconds}})

    def _read(self) -> dict[str, Any]:
        try:
            return checksums.loads_with_sha256(self.path.read_bytes())
        except (OSError, ValueError):
            return {}

    def _write(self, values: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            durable.write_file(self.path, checksums.dumps_with_sha256(values))


def cache_folder() -> Path:
    """Returns ``$XDG_CACHE_HOME/naiad/autoscale``, else ``~/.cache/naiad/autoscale``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "naiad" / "autoscale"


def _read_value(name: str, stored: Any) -> Any:
    """Returns the value as the plan has it. Raises OptionError, TypeError where it is not a value of this choice."""
    value = check_overrides({name: stored})[name]
    if value == USE_RULE or value != (tuple(stored) if isinstance(stored, list) else stored):
        raise OptionError(f"{name} cannot be {stored!r}")
    return value


def _read_reason(stored: Mapping[str, Any]) -> Reason:
    measurements = tuple(Measurement(**one) for one in stored["measurements"])
    return Reason(_PREFIX + stored["text"].removeprefix(_PREFIX), stored["measured"], measurements)
