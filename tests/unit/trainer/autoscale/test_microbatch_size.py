"""A batch that does not fit into memory is taken in microbatches from the first step on."""

from dataclasses import replace

import pytest
from torch import nn

from naiad.trainer.autoscale import microbatch_size
from naiad.trainer.autoscale.microbatch_size import UNKNOWN_LIMIT, MemoryLimit, limit_microbatch, probe_memory


def test_a_batch_that_fits_is_whole(plan):
    after = limit_microbatch(
        plan(batch_size=128, microbatch_size=16), MemoryLimit(1_000.0, 1 << 30), unmeasured=frozenset()
    )
    assert after.microbatch_size == 128
    assert after.reason("microbatch_size").measured == "1 kB a sample"


def test_a_batch_that_does_not_fit_is_accumulated(plan):
    after = limit_microbatch(
        plan(batch_size=128, microbatch_size=128), MemoryLimit(1_000.0, 40_000), unmeasured=frozenset()
    )
    assert (after.batch_size, after.microbatch_size) == (128, 20)
    reason = after.reason("microbatch_size")
    assert reason.text == "as many samples as fit into memory; gradients are accumulated"
    assert reason.measured == "1 kB a sample, 40 kB free"


def test_the_users_microbatch_stays(plan):
    before = plan(batch_size=128, microbatch_size=64)
    assert limit_microbatch(before, MemoryLimit(1_000.0, 1), unmeasured=frozenset({"microbatch_size"})) == before


def test_without_a_known_limit_the_batch_is_whole(plan):
    before = plan(batch_size=128, microbatch_size=1)
    assert limit_microbatch(before, UNKNOWN_LIMIT, unmeasured=frozenset()).microbatch_size == 128


@pytest.mark.parametrize(("has_batchnorm", "least"), [(True, 3), (False, 1)])
def test_batchnorm_gets_more_than_one_sample(probe, plan, monkeypatch, has_batchnorm, least):
    monkeypatch.setattr(microbatch_size.memory, "free_bytes", lambda _: 10)
    net = probe.net if has_batchnorm else nn.Linear(5, 3)
    limit = probe_memory(replace(probe, net=net), plan())
    assert limit.samples == least
    assert limit.sample_bytes > 10
