"""Detail of an endpoint: what the service keeps of it besides its request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from naiad.service.endpoints.old_names import ENDPOINT_DETAIL, with_current_names
from naiad.service.endpoints.rollout import Rollout


@dataclass(frozen=True)
class EndpointDetail:
    """Typed form of the JSON in an endpoint's ``Entity.detail``."""

    rollout: Rollout | None = None
    """The rollout that was deployed last, with success; None before the first."""
    pending_rollout: Rollout | None = None
    """The rollout that is being deployed."""
    deployment_number: int = 0
    """Number of the latest rollout."""
    resized_variants: tuple[str, ...] = ()
    """Variants whose instance count the pending rollout changes; other counts stay as scaling has made them."""
    failure_reason: str = ""
    """Why the last deployment failed."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "EndpointDetail":
        current = with_current_names(values, ENDPOINT_DETAIL)
        for name in ("rollout", "pending_rollout"):
            if name in current:
                current[name] = Rollout.from_json(current[name])
        return cls(**{**current, "resized_variants": tuple(current.get("resized_variants", ()))})

    def to_json(self) -> dict[str, Any]:
        """Returns only values that are set."""
        values = {
            "rollout": self.rollout.to_json() if self.rollout else None,
            "pending_rollout": self.pending_rollout.to_json() if self.pending_rollout else None,
            "deployment_number": self.deployment_number,
            "resized_variants": list(self.resized_variants),
            "failure_reason": self.failure_reason,
        }
        return {name: value for name, value in values.items() if value}
