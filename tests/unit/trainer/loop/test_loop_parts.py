"""The parts of a loop, as a plan says."""

import pytest
import torch
from torch import nn

from naiad.trainer.data.batches import BatchSlice
from naiad.trainer.loop.loop_parts import LoopParts
from naiad.trainer.loop.task_strategy import make_task_strategy
from naiad.trainer.plan.plan import MicrobatchChange
from naiad.trainer.plan.schedule_adjustments import ScheduleAdjustment


@pytest.fixture
def parts(blobs):
    net = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    return LoopParts(blobs, net, make_task_strategy(blobs, seed=0), BatchSlice(0, 2))


def test_a_repeated_run_has_the_adjustments_and_microbatches_of_its_plan(parts, plan):
    adjustments, changes = (ScheduleAdjustment(3, 3.0, 1.5),), (MicrobatchChange(7, 4),)
    state = parts.state(plan(schedule_adjustments=adjustments, microbatch_history=changes), 0.0)
    assert tuple(state.schedule.adjustments) == adjustments
    assert tuple(state.microbatch_history) == changes
    assert state.ema is None


def test_a_process_loads_its_slice_of_a_batch(parts, plan):
    batch = next(iter(parts.batch_loader(plan(batch_size=10)).epoch(0)))
    assert len(batch) == 5


def test_balanced_classes_weigh_rare_ones_more(parts, plan):
    parts.dataset.train.targets[3:] = 0
    inputs, rare, common = torch.zeros(1, 5), torch.tensor([1]), torch.tensor([0])
    net = nn.Sequential(nn.Linear(5, 3), nn.Flatten())
    nn.init.zeros_(net[0].weight)
    nn.init.zeros_(net[0].bias)
    plain, balanced = (parts.loss_function(plan(class_balance=balance)) for balance in (0.0, 1.0))
    assert plain(net, inputs, rare) == plain(net, inputs, common)
    assert balanced(net, inputs, rare) > 10 * balanced(net, inputs, common)


@pytest.mark.parametrize(("ema", "recomputes"), [(None, False), (0.9, True)])
def test_only_averaged_weights_have_their_statistics_recomputed(parts, plan, ema, recomputes):
    validator = parts.validator(plan(ema=ema))
    assert (validator.batchnorm_inputs is not None) == recomputes
    if recomputes:
        assert next(iter(validator.batchnorm_inputs())).shape == (10, 5)
