"""Memory of earlier searches: the best values for a kind of network on a kind of data, which are proposed first the next time.

One small file for each kind, beside the measurements of automatic scaling. Nothing here is needed: where a file is missing or
damaged, the search begins without it.
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from naiad import durable
from naiad.trainer.artifact import checksums
from naiad.trainer.autoscale.measurement_cache import cache_folder
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.tuning.trial import Value

MOST_REMEMBERED = 5
MOST_PROPOSED = 2
"""Trials after trial 0 that begin with remembered values."""


@dataclass(frozen=True)
class StudyMemory:
    path: Path

    @classmethod
    def for_study(cls, name: str, net: nn.Module, dataset: Dataset, *, folder: Path | None = None) -> "StudyMemory":
        """The memory of this kind: the network's layers without their sizes, the task, the form of the data."""
        facts = {
            "network": [name, [type(module).__qualname__ for module in net.modules()]],
            "data": [
                str(dataset.task),
                len(tuple(dataset.schema.sample_shape)),
                str(dataset.schema.dtype),
                round(math.log10(max(1, len(dataset.train)))),
                round(math.log2(max(1, dataset.outputs))),
            ],
        }
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
        return cls((folder if folder is not None else cache_folder().parent / "tuning") / f"{key}.json")

    def proposals(self) -> list[dict[str, Value]]:
        """Returns values by canonical names, those of the largest gain first."""
        stored = self._read()
        return [dict(one["values"]) for one in stored[:MOST_PROPOSED]]

    def remember(self, values: Mapping[str, Value], gain: float) -> None:
        """Adds values that were better than trial 0. gain: in units of its noise, so that searches can be compared."""
        entry: dict[str, Any] = {"values": dict(values), "gain": gain}
        others = [one for one in self._read() if one["values"] != entry["values"]]
        kept = sorted([*others, entry], key=lambda one: -one["gain"])[:MOST_REMEMBERED]
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            durable.write_file(self.path, checksums.dumps_with_sha256({"best": kept}))

    def _read(self) -> Sequence[dict[str, Any]]:
        try:
            best = checksums.loads_with_sha256(self.path.read_bytes())["best"]
            return [one for one in best if isinstance(one["values"], dict) and isinstance(one["gain"], int | float)]
        except (OSError, ValueError, KeyError, TypeError):
            return []
