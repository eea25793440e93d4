"""The space that is made from network, data and plan."""

import pytest
from torch import nn

from naiad.trainer.tuning.default_space import SpaceFacts, base_values, default_space
from naiad.trainer.tuning.networks import TrialNetworks


def facts_of(net, dataset, plan):
    networks = TrialNetworks(net, dataset)
    made, _ = networks.make({})
    return SpaceFacts(made, dataset, plan, networks.parameters(), networks.activations(), networks.has_dropout())


def test_the_registrys_network_has_width_and_depth(blobs, plan):
    space = {one.name: one for one in default_space(facts_of("mlp", blobs, plan(weight_decay=0.1)), {})}
    assert set(space) == {
        "learning_rate_factor", "weight_decay_factor", "optimizer", "schedule", "label_smoothing", "width", "depth",
        "activation", "dropout", "batch_size",
    }  # fmt: skip
    assert (space["batch_size"].low, space["batch_size"].high) == (8, 10)  # 100 samples bear no larger ones
    assert space["width"].contains(256)
    assert space["activation"].choices[0] == "relu"
    assert space["optimizer"].choices[0] == "sgd"


def test_what_the_user_keeps_is_left_out(blobs, plan):
    names = {
        one.name
        for one in default_space(
            facts_of("mlp", blobs, plan(weight_decay=0.1)), {"learning_rate": 0.1, "optimizer": "sgd"}
        )
    }
    assert not {"learning_rate_factor", "optimizer"} & names


@pytest.mark.parametrize(
    ("net", "has_activation", "has_dropout"),
    [
        (nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)), True, False),
        (nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3)), True, True),
        (nn.Linear(5, 3), False, False),
    ],
)
def test_a_users_network_has_what_its_modules_have(blobs, plan, net, has_activation, has_dropout):
    facts = facts_of(net, blobs, plan())
    names = {one.name for one in default_space(facts, {})}
    assert ("activation" in names) == has_activation
    assert ("dropout" in names) == has_dropout
    assert "width" not in names


def test_trial_0_has_values(blobs, plan):
    facts = facts_of("mlp", blobs, plan(augment=("flip", "shift")))
    known = base_values(facts, ("learning_rate", "learning_rate_factor", "augment", "width", "activation", "nothing"))
    assert known == {
        "learning_rate": 0.1, "learning_rate_factor": 1.0, "augment": "flip+shift", "width": 256, "activation": "relu",
    }  # fmt: skip


def test_a_parameter_with_the_name_of_a_choice_has_its_own_value(blobs, plan):
    class Named(nn.Module):
        def __init__(self, momentum: float = 0.3, width: int = 8) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Linear(5, width), nn.BatchNorm1d(width, momentum=momentum), nn.Linear(width, 3)
            )

        def forward(self, x):
            return self.layers(x)

    facts = facts_of(Named, blobs, plan(momentum=0.9))
    known = base_values(facts, ("momentum", "net.momentum", "net.width"))
    assert known == {"momentum": 0.9, "net.momentum": 0.3, "net.width": 8}


def test_a_network_whose_dropout_is_an_option_begins_without(blobs, plan):
    assert base_values(facts_of("mlp", blobs, plan()), ("dropout",)) == {"dropout": 0.0}
    alpha = nn.Sequential(nn.Linear(5, 8), nn.AlphaDropout(0.3), nn.Linear(8, 3))
    assert base_values(facts_of(alpha, blobs, plan()), ("dropout",)) == {"dropout": 0.3}
