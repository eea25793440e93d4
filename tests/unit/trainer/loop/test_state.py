"""The state of a run, in a snapshot and back."""

import copy

import pytest
import torch
from torch import nn

from naiad.errors import ArtifactError
from naiad.trainer.loop.checkpoint import FolderCheckpoints
from naiad.trainer.loop.state import RunState, make_ema, update_ema
from naiad.trainer.machine.seeding import RandomState
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule


def small_net(width=8):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.LazyLinear(3)
    )


def run_state(optimizer, *, layout=torch.channels_last, ema=False, width=8):
    net = small_net(width)
    net(torch.zeros(2, 1, 6, 6))
    net.to(memory_format=layout)
    return RunState(net, optimizer(net.parameters()), make_ema(net) if ema else None, 4, AdjustedSchedule(100))


def advance(state, steps):
    for _ in range(steps):
        inputs = torch.randn(4, 1, 6, 6).contiguous(memory_format=torch.channels_last)
        state.optimizer.zero_grad()
        nn.functional.cross_entropy(state.net(inputs), torch.randint(0, 3, (4,))).backward()
        state.optimizer.step()
        state.step += 1
        if state.ema is not None:
            update_ema(state.ema, state.net, 0.9)


OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.9, nesterov=True, fused=True),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, 0.01, fused=True),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("ema", [False, True])
def test_a_restored_run_goes_on_bit_for_bit(tmp_path, kind, ema):
    uninterrupted = run_state(OPTIMIZERS[kind], ema=ema)
    torch.manual_seed(1)
    advance(uninterrupted, 3)
    checkpoints = FolderCheckpoints(tmp_path)
    checkpoints.save(uninterrupted.snapshot())
    advance(uninterrupted, 4)

    resumed = run_state(OPTIMIZERS[kind], ema=ema)
    torch.manual_seed(999)
    resumed.restore(checkpoints.latest())
    advance(resumed, 4)
    ours, theirs = resumed.snapshot(), uninterrupted.snapshot()
    assert ours.step == theirs.step == 7
    assert ours.tensors.keys() == theirs.tensors.keys()
    assert [name for name in ours.tensors if not torch.equal(ours.tensors[name], theirs.tensors[name])] == []


def test_momentum_has_the_layout_of_its_parameter_again(tmp_path):
    state = run_state(OPTIMIZERS["sgd"])
    advance(state, 1)
    FolderCheckpoints(tmp_path).save(state.snapshot())
    again = run_state(OPTIMIZERS["sgd"])
    again.restore(FolderCheckpoints(tmp_path).latest())
    weight = again.net[0].weight
    assert again.optimizer.state[weight]["momentum_buffer"].stride() == weight.stride()


def test_a_snapshot_does_not_change_while_training_goes_on():
    state = run_state(OPTIMIZERS["sgd"])
    advance(state, 1)
    snapshot = state.snapshot()
    before = copy.deepcopy(dict(snapshot.tensors))
    advance(state, 2)
    assert all(torch.equal(before[name], tensor) for name, tensor in snapshot.tensors.items())


def test_a_snapshot_of_another_network_is_refused():
    state = run_state(OPTIMIZERS["sgd"])
    with pytest.raises(ArtifactError, match="another network"):
        run_state(OPTIMIZERS["sgd"], width=5).restore(state.snapshot())


def test_the_lower_loss_decides_between_equal_scores():
    net = nn.Linear(1, 1, bias=False)
    state = RunState(net, torch.optim.SGD(net.parameters(), 0.1), None, 4, AdjustedSchedule(100))
    for weight, score, loss in ((1.0, 0.5, 0.9), (2.0, 0.8, 0.7), (3.0, 0.8, 0.6), (4.0, 0.8, 0.65), (5.0, 0.7, 0.1)):
        with torch.no_grad():
            net.weight.fill_(weight)
        state.keep_if_best(net, score, loss)
    assert state.best_weights["weight"].item() == 3.0
    assert (state.best_score, state.best_loss) == (0.8, 0.6)


def test_a_snapshot_has_the_random_state_of_each_process():
    state, draws = run_state(OPTIMIZERS["sgd"]), []
    random_states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        random_states.append(RandomState.capture())
        draws.append(torch.rand(3))
    snapshot = state.snapshot(random_states)
    for rank in (0, 1):
        state.restore(snapshot, rank=rank)
        assert torch.equal(torch.rand(3), draws[rank])
    before = torch.get_rng_state()
    state.restore(snapshot, rank=2)
    assert torch.equal(torch.get_rng_state(), before), "a process without a state in the snapshot keeps its own"
