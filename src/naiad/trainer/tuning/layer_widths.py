"""Width and depth of the registry's networks: two numbers in the place of a list of widths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LEAST_WIDTH = 4


@dataclass(frozen=True)
class LayerWidths:
    option: str
    """The option that takes the widths of the layers."""
    width: int
    """Width of the first layer by default."""
    depth: int
    """Layers by default."""
    factor: float
    """Width of each layer in units of the one before."""
    is_number: bool = False
    """Whether the option takes the first width alone."""
    has_depth: bool = True
    """Whether the number of layers may change."""

    @property
    def defaults(self) -> dict[str, int]:
        return {"width": self.width, **({"depth": self.depth} if self.has_depth else {})}

    def to_options(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the values with ``width`` and ``depth`` as the option of the network."""
        names = set(self.defaults)
        options = {name: value for name, value in values.items() if name not in names}
        if not names & values.keys():
            return options
        width = int(values.get("width", self.width))
        depth = int(values.get("depth", self.depth)) if self.has_depth else self.depth
        widths = tuple(max(_LEAST_WIDTH, round(width * self.factor**layer)) for layer in range(depth))
        return {self.option: width if self.is_number else widths, **options}


WIDTHS: Mapping[str, LayerWidths] = {
    "mlp": LayerWidths("hidden", 256, 2, 0.5),
    "wide-deep": LayerWidths("hidden", 128, 2, 0.5),
    "table": LayerWidths("hidden", 128, 2, 1.0),
    "autoencoder": LayerWidths("hidden", 512, 2, 0.25),
    "residual": LayerWidths("channels", 32, 3, 2.0, has_depth=False),
    "conv-autoencoder": LayerWidths("channels", 32, 1, 1.0, is_number=True, has_depth=False),
}
"""Widths by the network's name; a test compares the defaults with those of the networks."""
