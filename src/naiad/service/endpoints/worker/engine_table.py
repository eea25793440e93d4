"""Table of an artifact's engines: what was measured of each, which one was chosen, and why. Standard library only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from naiad.service.endpoints.old_names import ENGINE_TABLE, with_current_names

BATCH_SIZES = (1, 8, 32)
TABLE_FILE = "engines.json"
_TIE_FRACTION = 0.05
_ENOUGH_FRACTION = 0.95
"""A batch size that reaches this fraction of the best rate is large enough."""


@dataclass(frozen=True)
class EngineMeasurement:
    engine: str
    error: str = ""
    agrees: bool = False
    """Whether its scores are those of the reference, within tolerance."""
    difference: float = 0.0
    """Largest difference of a score to the reference."""
    top1_agrees: bool = False
    loaded_s: float = 0.0
    latency_us: float = 0.0
    """Median of one sample alone."""
    samples_per_s: tuple[float, ...] = ()
    """One rate for each of BATCH_SIZES."""
    memory_mb: float = 0.0


@dataclass(frozen=True)
class EngineChoice:
    chosen: str | None
    max_batch_size: int
    reason: str


def choose_engine(measurements: Sequence[EngineMeasurement]) -> EngineChoice:
    """Chooses the fastest for one sample among those that agree; within 5 % of it, the one that needs least memory."""
    agreeing = [one for one in measurements if one.agrees]
    if not agreeing:
        reasons = "; ".join(f"{one.engine}: {one.error or f'differs by {one.difference:.2g}'}" for one in measurements)
        return EngineChoice(None, 1, f"no engine agrees with the reference scores: {reasons}")
    best_us = min(one.latency_us for one in agreeing)
    tied = [one for one in agreeing if one.latency_us <= best_us * (1 + _TIE_FRACTION)]
    chosen = min(tied, key=lambda one: one.memory_mb)
    sufficient_rate = _ENOUGH_FRACTION * max(chosen.samples_per_s)
    sizes = zip(BATCH_SIZES, chosen.samples_per_s, strict=True)
    max_batch_size = next(size for size, rate in sizes if rate >= sufficient_rate)
    is_only_one = len(agreeing) == 1
    reason = "the only one that agrees" if is_only_one else "the fastest that agrees with the reference scores"
    return EngineChoice(chosen.engine, max_batch_size, reason)


def make_table(measurements: Sequence[EngineMeasurement], unmeasured: Sequence[str]) -> dict[str, Any]:
    """Returns the table as JSON values."""
    rows = [asdict(one) for one in measurements]
    measured = {"rows": rows, "unmeasured": list(unmeasured), "batches": list(BATCH_SIZES)}
    return {**measured, **asdict(choose_engine(measurements))}


def add_row(table: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Adds an engine that was measured later. The choice stays, since replicas use it already."""
    unmeasured = [name for name in table["unmeasured"] if name != row["engine"]]
    return {**table, "rows": [*table["rows"], row], "unmeasured": unmeasured}


def failure_row(engine: str, error: str) -> dict[str, Any]:
    return asdict(EngineMeasurement(engine, error=error))


def format_table(table: Mapping[str, Any]) -> list[str]:
    """Returns lines for a log, one an engine and one for the choice; each begins with ``engine``."""
    lines = []
    for row in table["rows"]:
        if row["error"]:
            lines.append(f"engine {row['engine']:<14} {row['error']}")
            continue
        rates = ", ".join(f"{rate:,.0f}" for rate in row["samples_per_s"])
        agrees = "agrees" if row["agrees"] else "does not agree"
        lines.append(
            f"engine {row['engine']:<14} {row['latency_us']:,.0f} µs a sample, {rates} samples/s in batches of "
            f"{', '.join(map(str, table['batches']))}; {agrees} (difference {row['difference']:.1e}), "
            f"{row['memory_mb']:,.0f} MB, loaded in {row['loaded_s']:.1f} s"
        )
    lines += [
        f"engine {name:<14} is measured when replicas answer: another engine agrees already"
        for name in table["unmeasured"]
    ]
    lines.append(f"engine chosen: {table['chosen']}, {table['reason']}; at most {table['max_batch_size']} at once")
    return lines


def write_table(model_folder: Path, table: Mapping[str, Any]) -> None:
    """Writes engines.json beside the model's files."""
    (model_folder / TABLE_FILE).write_text(json.dumps(table, indent=1), encoding="utf-8")


def read_table(model_folder: Path) -> dict[str, Any]:
    """Raises OSError."""
    return with_current_names(json.loads((model_folder / TABLE_FILE).read_text(encoding="utf-8")), ENGINE_TABLE)
