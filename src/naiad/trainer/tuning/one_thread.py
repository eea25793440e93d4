"""Computes on one thread: the models of a search are small, and their threads would wait for cores that trials have."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Limits torch and the linear algebra of NumPy and SciPy to one thread inside the block.

    Two threads that wait for each other beside trials on all cores took up to fifty times as long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
