"""A batch that memory does not hold is taken in parts from the first step on."""

from dataclasses import replace

import pytest
from torch import nn

from naiad.trainer.autoscale import microbatch_size
from naiad.trainer.autoscale.microbatch_size import BOUNDLESS, Room, look, within


def test_a_batch_that_memory_holds_is_whole(plan):
    found = within(plan(batch_size=128, microbatch_size=16), Room(1_000.0, 1 << 30), pinned=frozenset())
    assert found.microbatch_size == 128
    assert dict(found.reasons)["microbatch_size"].measured == "1 kB a sample"


def test_one_that_it_does_not_is_accumulated_and_told(plan):
    found = within(plan(batch_size=128, microbatch_size=128), Room(1_000.0, 40_000), pinned=frozenset())
    assert (found.batch_size, found.microbatch_size) == (128, 20)
    why = dict(found.reasons)["microbatch_size"]
    assert why.text == "what memory holds; gradients are accumulated"
    assert why.measured == "1 kB a sample, 40 kB free"


def test_the_users_stays(plan):
    before = plan(batch_size=128, microbatch_size=64)
    assert within(before, Room(1_000.0, 1), pinned=frozenset({"microbatch_size"})) == before


def test_without_a_bound_it_is_the_whole_batch(plan):
    assert within(plan(batch_size=128, microbatch_size=1), BOUNDLESS, pinned=frozenset()).microbatch_size == 128


@pytest.mark.parametrize(("normalised", "least"), [(True, 3), (False, 1)])
def test_batchnorm_gets_more_than_one_sample(bench, plan, monkeypatch, normalised, least):
    monkeypatch.setattr(microbatch_size.memory, "free_bytes", lambda _: 10)
    net = bench.net if normalised else nn.Linear(5, 3)
    room = look(replace(bench, net=net), plan())
    assert room.samples == least
    assert room.sample_bytes > 10
