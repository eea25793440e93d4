"""Encodes token ids as int64 (N, T); a network's Embedding gets them as they are.

Shape legend: N samples, T tokens.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from naiad.errors import DataError
from naiad.trainer.data.layout import is_whole
from naiad.trainer.data.sources.arrays import as_tensor


@dataclass(frozen=True)
class TokenSchema:
    """Token ids of one shape."""

    shape: tuple[int, ...]
    """Shape of one sample, without N."""
    token_count: int
    """Ids are from 0 to this, without it."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def dtype(self) -> torch.dtype:
        return torch.int64

    def encode(self, raw: Any) -> Tensor:
        """Returns int64 (N, *shape). Takes one sample without N too. Raises DataError for other shapes and unknown ids."""
        values = as_tensor(raw)
        if tuple(values.shape) == self.shape and self.shape != (1,):
            values = values.unsqueeze(0)
        if values.ndim == 1 and self.shape == (1,):
            values = values.unsqueeze(1)
        if values.ndim != len(self.shape) + 1 or tuple(values.shape[1:]) != self.shape:
            raise DataError(
                f"token ids of shape {tuple(values.shape[1:])} do not fit the trained shape {self.shape}",
                hint=f"pad or cut them to shape (N, {', '.join(map(str, self.shape))})",
            )
        if not is_whole(values):
            raise DataError("token ids are whole numbers, but these have fractions", hint="give ids, not vectors")
        if values.numel():
            low, high = int(values.min()), int(values.max())
            if low < 0 or high >= self.token_count:
                raise DataError(
                    f"the token ids are {low} to {high}, but the model knows 0 to {self.token_count - 1}",
                    hint="give unknown tokens the id that they had in training",
                )
        return values.to(torch.int64).contiguous()

    def to_json(self) -> dict[str, Any]:
        return {"kind": "tokens", "shape": list(self.shape), "token_count": self.token_count}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TokenSchema":
        return cls(tuple(int(size) for size in values["shape"]), int(values["token_count"]))


class TokenFeatures(nn.Module):
    """Token ids (B, T) in and out."""

    def forward(self, raw: Tensor) -> Tensor:
        return raw
