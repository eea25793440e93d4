"""Digests of samples, to find exact copies.

Shape legend: N samples, V values of a sample, B bytes of a sample, W 32-bit words of a sample, R rows of a chunk.
"""

import hashlib
import math
import secrets

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

DIGEST_DTYPE = np.dtype(np.uint64)
"""64 bits tell the samples of one dataset apart: any two of a million different ones agree with a chance of 3e-8."""
_WORD, _HALF = np.dtype(np.uint32), np.uint64(32)
_ROWS_PER_CHUNK = 512
"""Rows that stay in the processor's cache."""
_HASH_SEED = secrets.randbits(128)
"""Random in each process, so that nobody can write different samples whose digests agree."""


def digest_bytes(content: bytes | memoryview) -> bytes:
    """Returns 8 bytes: blake2b of the content."""
    return hashlib.blake2b(content, digest_size=DIGEST_DTYPE.itemsize).digest()


def digest_samples(tensor: Tensor) -> npt.NDArray[np.uint64]:
    """Returns (N,) digests of a tensor's rows, equal where the rows' bytes are equal. Another process has other digests.

    Each half of a digest is a sum of the row's 32-bit words, each times a random number, of which the upper half is kept: two
    different rows agree with a chance of 2^-64 (Lemire and Kaser, "Strongly universal string hashing is fast", arXiv 1202.4961).
    """
    row_bytes = math.prod(tensor.shape[1:]) * tensor.itemsize
    flat = tensor.contiguous().flatten()  # an axis of length 1 may have a step of 0, which view refuses
    bytes_NB = flat.view(torch.uint8).reshape(len(tensor), row_bytes).numpy()
    padding = -bytes_NB.shape[1] % _WORD.itemsize
    words_NW = (np.pad(bytes_NB, ((0, 0), (0, padding))) if padding else bytes_NB).view(_WORD)
    keys_W2 = _random_keys(words_NW.shape[1])
    digests_N = np.empty(len(words_NW), DIGEST_DTYPE)
    for first in range(0, len(words_NW), _ROWS_PER_CHUNK):
        upper_R2 = (words_NW[first : first + _ROWS_PER_CHUNK].astype(DIGEST_DTYPE) @ keys_W2) >> _HALF
        digests_N[first : first + _ROWS_PER_CHUNK] = upper_R2[:, 0] << _HALF | upper_R2[:, 1]
    return digests_N


def _random_keys(words: int) -> npt.NDArray[np.uint64]:
    """Returns (W, 2) numbers, the same for every tensor of this process."""
    return np.random.default_rng(_HASH_SEED).integers(0, 2**64, (words, 2), DIGEST_DTYPE)
