"""Free memory, and the batch that fits into it."""

from naiad.trainer.autoscale import memory
from naiad.trainer.autoscale.memory import free_bytes, largest_batch

GIB = 1 << 30


def test_the_memory_of_a_cpu_is_what_this_process_may_take(monkeypatch):
    monkeypatch.setattr(memory, "free_memory_bytes", lambda: 2_000_000)
    assert free_bytes("cpu") == 2_000_000


def test_a_batch_takes_its_fraction_and_has_a_sample():
    assert largest_batch(1_000, 1_000_000) == 500
    assert largest_batch(4 * GIB, GIB) == 1
