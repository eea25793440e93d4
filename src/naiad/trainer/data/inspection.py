"""What ``naiad inspect`` shows: the data as it would be trained on, and what is wrong with it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from naiad.trainer.data.findings import Findings


@dataclass(frozen=True)
class Inspection:
    """``problems`` are the reasons why the data cannot be trained on as it is; empty when it can."""

    name: str
    kind: str
    """``images``, ``pictures`` (image files), ``arrays``, ``items`` (streamed) or ``table``."""
    task: str | None
    task_reason: str
    splits: dict[str, int]
    """Samples by split, after cleaning and before a validation split is taken from training."""
    classes: dict[str, dict[str, int]]
    """Samples by split and class."""
    sample_shape: tuple[int, ...] | None
    dtype: str
    memory_bytes: int
    """What the samples of all splits take, or would take, when held in memory."""
    in_memory: bool
    target_name: str
    findings: Findings = field(default_factory=Findings)
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        values = {
            key: value for key, value in vars(self).items() if key not in ("findings", "problems", "sample_shape")
        }
        return {
            **values,
            "sample_shape": None if self.sample_shape is None else list(self.sample_shape),
            "findings": self.findings.to_json(),
            "quarantine": [asdict(item) for item in self.findings.quarantine],
            "problems": list(self.problems),
        }
