"""Raw data of arrays in which every sample and label tells its place."""

import numpy as np
import torch

from naiad.trainer.data.sources.raw_data import InputKind, RawData, RawSplit


def raw_arrays(kind: InputKind = InputKind.ARRAYS, **counts: int) -> RawData:
    """``counts``: the samples (N, 2) of each split, by its name."""
    splits = {
        name: RawSplit(
            torch.arange(count * 2.0).reshape(count, 2), np.arange(count), [f"index {i}" for i in range(count)]
        )
        for name, count in counts.items()
    }
    return RawData("data", kind, splits)
