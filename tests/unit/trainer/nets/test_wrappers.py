"""Networks in wrappers: torch.compile, DataParallel, DistributedDataParallel."""

import pytest
import torch
import torch.distributed as dist
from torch import nn

from naiad.errors import NetworkError
from naiad.trainer.nets.wrappers import plain_names, remove_wrappers, strip_wrapper_names, unwrap_network


def compiled(net):
    return torch.compile(net, backend="eager")


@pytest.fixture
def process_group(tmp_path):
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize(
    ("wrap", "kinds", "is_compiled"),
    [
        (lambda net: net, [], False),
        (compiled, ["OptimizedModule"], True),
        (nn.DataParallel, ["DataParallel"], False),
        (lambda net: nn.DataParallel(compiled(net)), ["DataParallel", "OptimizedModule"], True),
        (lambda net: compiled(nn.DataParallel(net)), ["OptimizedModule", "DataParallel"], False),
    ],
)
def test_the_network_inside_is_found_and_told(wrap, kinds, is_compiled):
    net = nn.Linear(4, 2)
    unwrapped = unwrap_network(wrap(net))
    assert unwrapped.net is net
    assert (unwrapped.compiled is not None) is is_compiled
    assert [item.kind for item in unwrapped.findings.items] == ["network-wrapper"] * len(kinds)
    for item, kind in zip(unwrapped.findings.items, kinds, strict=True):
        assert f"given as {kind}" in item.message


def test_distributed_data_parallel_is_unwrapped(process_group):
    net = nn.Linear(4, 2)
    assert unwrap_network(nn.parallel.DistributedDataParallel(net)).net is net


@pytest.mark.parametrize("argument", [None, "mlp", nn.Linear, 3])
def test_what_is_no_module_stays(argument):
    assert unwrap_network(argument).net is argument


def test_a_network_without_values_is_an_error():
    with pytest.raises(NetworkError, match="has weights on the device meta"):
        unwrap_network(nn.Linear(4, 2, device="meta"))


@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
@pytest.mark.parametrize("make", [torch.jit.script, lambda net: torch.jit.trace(net, torch.zeros(2, 4))])
def test_compiled_scripts_are_modules(make):
    net = make(nn.Linear(4, 2))
    assert unwrap_network(net).net is net


class Body(nn.Module):
    def __init__(self, wrap):
        super().__init__()
        self.module = nn.Linear(4, 4)  # a name that DataParallel uses too
        self.body = wrap(nn.Sequential(nn.Linear(4, 4)))

    def forward(self, inputs):
        return self.body(self.module(inputs))


PLAIN_NAMES = ["module.weight", "module.bias", "body.0.weight", "body.0.bias"]


@pytest.mark.parametrize(
    "wrap", [lambda net: net, compiled, nn.DataParallel, lambda net: nn.DataParallel(compiled(net))]
)
def test_wrapped_parts_have_plain_names(wrap):
    net = Body(wrap)
    assert list(plain_names(net).values()) == PLAIN_NAMES
    assert list(plain_names(nn.DataParallel(net)).values()) == PLAIN_NAMES
    weights = list(net.parameters())
    remove_wrappers(net)
    assert list(net.state_dict()) == PLAIN_NAMES
    assert all(one is other for one, other in zip(net.parameters(), weights, strict=True))
    assert net(torch.randn(3, 4)).shape == (3, 4)


@pytest.mark.parametrize(
    ("stored", "own"),
    [
        (["_orig_mod.0.weight"], "0.weight"),
        (["module.0.weight"], "0.weight"),
        (["module._orig_mod.0.weight"], "0.weight"),
        (["body._orig_mod.weight"], "body.weight"),
        (["module.weight"], "module.weight"),
    ],
)
def test_names_of_earlier_artifacts_are_read(stored, own):
    assert strip_wrapper_names(stored, [own]) == {stored[0]: own}
