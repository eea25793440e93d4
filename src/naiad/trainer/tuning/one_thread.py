"""Computes on one thread: the models of a search are small, and their threads would wait for cores that trials have."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from naiad.trainer.machine.torch_threads import torch_threads


@contextmanager
def one_thread() -> Iterator[None]:
    """Limits torch and the linear algebra of NumPy and SciPy to one thread inside the block.

    Two threads that wait for each other beside trials on all cores took up to fifty times as long.
    """
    with torch_threads(1), threadpool_limits(limits=1):
        yield
