"""A split that cleaning has gone through, and how its steps report what they found."""

import hashlib
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.trainer.data.dataset import Samples, TensorSamples
from naiad.trainer.data.findings import Action, Finding, Findings, Quarantined

DIGEST = np.dtype(np.uint64)
"""64 bits tell the samples of one dataset apart: among a million, two differing ones agree with a chance of 3e-8."""
_WORD, _HALF = np.dtype(np.uint32), np.uint64(32)
_ROWS = 512
"""At a time, so that they stay in the processor's cache."""
_SECRET = secrets.randbits(128)
"""Nobody can write samples that only seem to be equal."""
_EXAMPLES = 5


@dataclass(frozen=True)
class CheckedSplit:
    """targets: (N,) as found, or None. digests: (N,) of the samples' bytes, or None where items are random."""

    samples: Samples
    targets: npt.NDArray[Any] | None
    names: Sequence[str]
    digests: npt.NDArray[np.uint64] | None

    def __len__(self) -> int:
        return len(self.samples)

    def keep(self, mask: npt.NDArray[np.bool_]) -> "CheckedSplit":
        """The samples where ``mask`` (N,) is true."""
        return self if mask.all() else self.select(np.flatnonzero(mask))

    def select(self, indices: npt.NDArray[np.int64]) -> "CheckedSplit":
        return replace(
            self,
            samples=select_samples(self.samples, indices),
            targets=None if self.targets is None else self.targets[indices],
            names=[self.names[index] for index in indices],
            digests=None if self.digests is None else self.digests[indices],
        )


def select_samples(samples: Samples, indices: npt.NDArray[np.int64]) -> Samples:
    if isinstance(samples, TensorSamples):
        return TensorSamples(samples.tensor.index_select(0, torch.from_numpy(indices)))
    selected: Samples = samples.select(indices)  # type: ignore[attr-defined]  # reason: every streamed kind has it
    return selected


def digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST.itemsize).digest()


def digests_of(tensor: Tensor) -> npt.NDArray[np.uint64]:
    """(N,): equal where the samples' bytes are equal; others in another process.

    Two sums of the samples' 32-bit words W, each word times a random number, of which the upper halves are kept: two samples
    that differ agree with a chance of 2^-64 (Lemire and Kaser, "Strongly universal string hashing is fast", arXiv 1202.4961).
    """
    values_NV = tensor.contiguous().reshape(len(tensor), math.prod(tensor.shape[1:]))
    bytes_NB = values_NV.view(torch.uint8).numpy()
    short = -bytes_NB.shape[1] % _WORD.itemsize
    words_NW = (np.pad(bytes_NB, ((0, 0), (0, short))) if short else bytes_NB).view(_WORD)
    keys_W2 = _keys(words_NW.shape[1])
    digests_N = np.empty(len(words_NW), DIGEST)
    for first in range(0, len(words_NW), _ROWS):
        upper_R2 = (words_NW[first : first + _ROWS].astype(DIGEST) @ keys_W2) >> _HALF
        digests_N[first : first + _ROWS] = upper_R2[:, 0] << _HALF | upper_R2[:, 1]
    return digests_N


def _keys(words: int) -> npt.NDArray[np.uint64]:
    """(W, 2): the same for every tensor of this process."""
    return np.random.default_rng(_SECRET).integers(0, 2**64, (words, 2), DIGEST)


def report(
    kind: str, split: str, names: Sequence[str], action: Action, message: str, *, reasons: Sequence[str] | None = None
) -> Findings:
    """One finding on the samples ``names``, or nothing; with a row of quarantine for each when they are left out."""
    if not len(names):
        return Findings()
    finding = Finding(kind, split, len(names), action, message, tuple(names[:_EXAMPLES]))
    if action is not Action.LEFT_OUT:
        return Findings((finding,))
    why = [message] * len(names) if reasons is None else reasons
    rows = tuple(Quarantined(name, split, kind, reason) for name, reason in zip(names, why, strict=True))
    return Findings((finding,), rows)


def chosen(names: Sequence[str], mask: npt.NDArray[np.bool_]) -> list[str]:
    return [names[index] for index in np.flatnonzero(mask).tolist()]
