"""What was learnt by measuring, kept for the next run of the same network on the same kind of data and machine.

One small file a question, in the user's cache folder. Nothing here is needed: a file that is missing, damaged or not writable
means that the next run measures again.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from naiad.trainer import device, manifest
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.plan import Plan, Reason, Trial

_FORMAT = 1
_OUTCOMES = 10


@dataclass(frozen=True)
class Remembered:
    path: Path

    @classmethod
    def of(
        cls, net: nn.Module, dataset: Dataset, wishes: Mapping[str, Any], *, folder: Path | None = None
    ) -> "Remembered":
        """Of a network's layers and shapes, what it learns from, what the user wished, and the machine."""
        question = {
            "format": _FORMAT,
            "layers": [type(module).__qualname__ for module in net.modules()],
            "shapes": [tuple(value.shape) for value in net.parameters()],
            "data": [str(dataset.task), list(dataset.train.samples.sample_shape), len(dataset.train), dataset.outputs],
            "wishes": sorted((name, repr(value)) for name, value in wishes.items()),
            "machine": [
                device.best_device(),
                device.usable_cores(),
                sorted(device.cpu_flags()),
                str(torch.__version__),
            ],
        }
        digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        return cls((folder if folder is not None else cache_folder()) / f"{digest[:32]}.json")

    def recall(self, plan: Plan, names: Iterable[str]) -> Plan | None:
        """The plan with these choices as they were taken the last time; None where they never were."""
        kept = self._read().get("choices")
        if not isinstance(kept, dict):
            return None
        try:
            for name in names:
                if name in kept:
                    value, why = kept[name]["value"], kept[name]["reason"]
                    tried = tuple(Trial(**trial) for trial in why["tried"])
                    reason = Reason(f"remembered: {why['text'].removeprefix('remembered: ')}", why["measured"], tried)
                    plan = plan.taking(name, tuple(value) if isinstance(value, list) else value, reason)
        except (KeyError, TypeError):
            return None
        return plan

    def keep_choices(self, plan: Plan, names: Iterable[str]) -> None:
        why = dict(plan.reasons)
        choices = {name: {"value": getattr(plan, name), "reason": asdict(why[name])} for name in names if name in why}
        self._write({**self._read(), "choices": choices})

    def finishing_s(self, how: str) -> float | None:
        """Seconds of testing and saving, ``how``: with what."""
        kept = self._read().get("finishing_s")
        found = kept.get(how) if isinstance(kept, dict) else None
        return float(found) if isinstance(found, int | float) else None

    def outcomes(self) -> list[tuple[int, float]]:
        """Steps and score of the last runs, the latest last."""
        kept = self._read().get("outcomes")
        try:
            return [(int(steps), float(score)) for steps, score in kept or ()]
        except (TypeError, ValueError):
            return []

    def keep_ending(self, how: str, seconds: float, *, steps: int, score: float | None) -> None:
        """What came after training took, ``how``: with what; and what was reached after so many steps."""
        kept, outcomes = self._read(), self.outcomes()
        times = kept.get("finishing_s")
        if score is not None:
            outcomes.append((steps, score))
        finishing_s = {**(times if isinstance(times, dict) else {}), how: seconds}
        self._write({**kept, "finishing_s": finishing_s, "outcomes": outcomes[-_OUTCOMES:]})

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, values: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            manifest.write_file(self.path, json.dumps(values).encode())


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/naiad/autoscale``, else ``~/.cache/naiad/autoscale``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "naiad" / "autoscale"
