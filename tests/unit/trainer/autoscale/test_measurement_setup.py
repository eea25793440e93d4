"""The setup that choices are measured with."""

from naiad.trainer.autoscale.microbatch_size import MemoryLimit


def test_a_plan_is_brought_within_memory_where_its_limit_is_known(make_setup, plan):
    before = plan(batch_size=128, microbatch_size=64)
    assert make_setup().within_memory(before) == before
    assert make_setup(memory=MemoryLimit(1_000.0, 40_000)).within_memory(before).microbatch_size == 20
