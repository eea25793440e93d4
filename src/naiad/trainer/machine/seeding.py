"""A run's randomness: one seed, numbers that are pure functions of it, and the state of the global generators."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


def derive_seed(seed: int, *purpose: int) -> int:
    """A 63-bit seed for one purpose of a run, such as (augmentation, epoch). Equal arguments give equal seeds everywhere."""
    return int(np.random.SeedSequence(seed, spawn_key=purpose).generate_state(1, np.uint64)[0] >> np.uint64(1))


def make_generator(seed: int, *purpose: int) -> torch.Generator:
    """A generator seeded by ``derive_seed``."""
    return torch.Generator().manual_seed(derive_seed(seed, *purpose))


@contextmanager
def fork_rng(seed: int) -> Iterator[None]:
    """Seeds Python, NumPy and torch inside the block, and puts the caller's states back after it."""
    before = RandomState.capture()
    seed_all(seed)
    try:
        yield
    finally:
        before.restore()


def seed_all(seed: int) -> None:
    """Seeds the global generators of Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # reason: a user's network may draw from the global generator
    torch.manual_seed(seed)


@dataclass(frozen=True)
class RandomState:
    """The state of every global generator at one instant. Tensors and plain numbers only: it goes into checkpoints."""

    torch_cpu: Tensor
    torch_cuda: tuple[Tensor, ...]
    python: tuple[Any, ...]
    numpy: tuple[Any, ...]
    torch_mps: Tensor | None = None

    @classmethod
    def capture(cls) -> "RandomState":
        cuda = tuple(torch.cuda.get_rng_state_all()) if torch.cuda.is_available() else ()
        mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        return cls(torch.get_rng_state(), cuda, random.getstate(), np.random.get_state(legacy=True), mps)  # type: ignore[arg-type]  # noqa: NPY002  # reason: as above

    def restore(self) -> None:
        torch.set_rng_state(self.torch_cpu)
        if self.torch_cuda:
            torch.cuda.set_rng_state_all(list(self.torch_cuda))
        if self.torch_mps is not None:
            torch.mps.set_rng_state(self.torch_mps)
        random.setstate(self.python)
        np.random.set_state(self.numpy)  # noqa: NPY002  # reason: as above

    def tensors(self) -> dict[str, Tensor]:
        cuda = {f"cuda.{index}": state for index, state in enumerate(self.torch_cuda)}
        mps = {"mps": self.torch_mps} if self.torch_mps is not None else {}
        return {"cpu": self.torch_cpu, **cuda, **mps}

    def to_json(self) -> dict[str, Any]:
        """The states of Python's and NumPy's generators; ``tensors`` has the others."""
        version, numbers, gauss = self.python
        kind, keys, position, has_gauss, cached = self.numpy
        return {
            "python": [version, list(numbers), gauss],
            "numpy": [str(kind), [int(key) for key in keys], int(position), int(has_gauss), float(cached)],
        }

    @classmethod
    def from_parts(cls, tensors: dict[str, Tensor], values: dict[str, Any]) -> "RandomState":
        """The state whose ``tensors()`` and ``to_json()`` are given."""
        version, numbers, gauss = values["python"]
        kind, keys, position, has_gauss, cached = values["numpy"]
        cuda = tuple(tensors[name] for name in sorted(tensors) if name.startswith("cuda."))
        return cls(
            tensors["cpu"],
            cuda,
            (version, tuple(numbers), gauss),
            (kind, np.array(keys, dtype=np.uint32), position, has_gauss, cached),
            tensors.get("mps"),
        )
