"""One optimizer uses Muon for hidden matrices and AdamW for the other weights."""

import copy

import pytest
import torch
from torch import nn

from naiad.trainer.optim import newton_schulz
from naiad.trainer.optim.muon import Muon, MuonWithAdamW, as_matrix, hidden_weights


@pytest.fixture(params=["contiguous", "channels_last"])
def net(request):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.Flatten(),
        nn.Linear(6 * 16, 12), nn.ReLU(), nn.Linear(12, 3),
    )  # fmt: skip
    layout = torch.channels_last if request.param == "channels_last" else torch.contiguous_format
    return network.to(memory_format=layout)


def make_optimizer(net, **options):
    return MuonWithAdamW(net, list(net.parameters()), **{"lr": 0.01, "momentum": 0.9, "weight_decay": 0.0, **options})


def test_convolutions_and_matrices_but_the_last_are_hidden(net):
    assert [id(weight) for weight in hidden_weights(net)] == [id(net[0].weight), id(net[2].weight), id(net[5].weight)]


def test_embeddings_are_not_hidden():
    net = nn.ModuleList([nn.Linear(4, 4), nn.Embedding(9, 4), nn.Linear(4, 4), nn.Linear(4, 2)])
    assert [id(weight) for weight in hidden_weights(net)] == [id(net[2].weight)]


def test_a_matrix_shares_the_weights_memory(net):
    for weight in hidden_weights(net):
        matrix = as_matrix(weight)
        assert matrix.shape == (weight.shape[0], weight.numel() // weight.shape[0])
        with torch.no_grad():
            matrix.fill_(0.5)
        assert (weight == 0.5).all()


def test_a_hidden_update_is_nearly_orthogonal(net):
    before = copy.deepcopy(net)
    optimizer = make_optimizer(net)
    net(torch.randn(16, 1, 4, 4)).square().mean().backward()
    optimizer.step()
    change = (net[2].weight - before[2].weight).detach().flatten(1)
    values = torch.linalg.svdvals(change / 0.01 / (0.2 * max(change.shape) ** 0.5))
    assert values.min() > 0.5
    assert values.max() < 1.5


def test_bf16_is_torchs_own_update_bit_for_bit():
    torch.manual_seed(0)
    ours, theirs = [nn.Parameter(torch.randn(6, 9)) for _ in range(2)]
    with torch.no_grad():
        theirs.copy_(ours)
    options = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}
    both = (
        (ours, Muon([ours], dtype=torch.bfloat16, **options)),
        (theirs, torch.optim.Muon([theirs], ns_steps=newton_schulz.STEPS, adjust_lr_fn="match_rms_adamw", **options)),
    )
    for _ in range(4):
        gradient = torch.randn(6, 9)
        for matrix, optimizer in both:
            matrix.grad = gradient.clone()
            optimizer.step()
    assert torch.equal(ours, theirs)


def test_number_formats_learn_nearly_the_same(net):
    other = copy.deepcopy(net)
    inputs = torch.randn(16, 1, 4, 4)
    for network, dtype in ((net, torch.float32), (other, torch.bfloat16)):
        optimizer = make_optimizer(network, dtype=dtype)
        network(inputs).square().mean().backward()
        optimizer.step()
    torch.testing.assert_close(net[2].weight, other[2].weight, atol=1e-3, rtol=1e-2)
    assert not torch.equal(net[2].weight, other[2].weight)


def test_every_parameter_moves_and_the_loss_falls(net):
    before = copy.deepcopy(net)
    optimizer = make_optimizer(net)
    inputs, targets = torch.randn(64, 1, 4, 4), torch.arange(64) % 3
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert all(
        not torch.equal(ours, theirs) for ours, theirs in zip(net.parameters(), before.parameters(), strict=True)
    )


def test_memory_layouts_learn_the_same():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(16, 2))
    other = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    inputs = torch.randn(8, 2, 6, 6)
    for net in (plain, other):
        optimizer = make_optimizer(net)
        for _ in range(3):
            optimizer.zero_grad()
            net(inputs).square().mean().backward()
            optimizer.step()
    torch.testing.assert_close(plain[1].weight, other[1].weight.contiguous(), atol=1e-3, rtol=1e-2)


def test_a_rate_set_in_the_groups_is_the_rate_used(net):
    optimizer = make_optimizer(net)
    before = copy.deepcopy(net)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    net(torch.randn(4, 1, 4, 4)).sum().backward()
    optimizer.step()
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(net.parameters(), before.parameters(), strict=True))


def test_the_state_of_both_optimizers_is_in_one_place(net):
    optimizer = make_optimizer(net)
    net(torch.randn(4, 1, 4, 4)).sum().backward()
    optimizer.step()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert len(parameters) == len(list(net.parameters()))
    assert all(optimizer.state[parameter] for parameter in parameters)


def test_a_network_without_hidden_weights_is_updated_by_adamw():
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    optimizer = make_optimizer(net)
    net(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    assert optimizer.state[net[0].weight]["step"] == 1
