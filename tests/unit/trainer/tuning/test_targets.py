"""Names of a space: choices of the plan, parameters of the network, factors; unknown ones are refused with the nearest."""

import pytest

from naiad.errors import OptionError
from naiad.trainer.plan.plan import CHOICES
from naiad.trainer.tuning.space import make_space
from naiad.trainer.tuning.space_text import parse_dimension
from naiad.trainer.tuning.targets import Targets, find_value


def targets_of(parameters=(), **dimensions):
    return Targets(make_space([parse_dimension(name, given) for name, given in dimensions.items()]), parameters)


def test_values_are_sorted_by_what_they_change():
    targets = targets_of(
        ["width"],
        lr="log:0.01:1",
        width="int:4:8",
        activation="relu,gelu",
        weight_decay_factor="0.1:10.0",
        augment="none,flip+shift",
    )
    values = {"lr": 0.1, "width": 4, "activation": "gelu", "weight_decay_factor": 2.0, "augment": "flip+shift"}
    choices = targets.choices(values)
    assert choices.plan == {"learning_rate": 0.1, "augment": ("flip", "shift")}
    assert choices.factors == {"weight_decay": 2.0}
    assert choices.network == {"width": 4, "activation": "gelu"}


def test_python_values_reach_the_network():
    targets = targets_of(["hidden", "norm", "bias"], hidden=[(64,), (32, 16)], norm=[None, "batch"], bias="true,false")
    chosen = targets.choices({"hidden": "32+16", "norm": "none", "bias": "true"}).network
    assert chosen == {"hidden": (32, 16), "norm": None, "bias": True}


def test_every_choice_of_the_plan_that_may_be_set_is_a_name():
    for choice in CHOICES.values():
        if not choice.is_settable:
            with pytest.raises(OptionError):
                targets_of(**{choice.name: "1,2"})
        elif choice.names:
            assert targets_of(**{choice.name: ",".join(choice.names)}).has(choice.name)
        elif choice.value_type is int:
            assert targets_of(**{choice.name: "int:1:2"}).has(choice.name)
        elif choice.value_type is float:
            assert targets_of(**{choice.name: "0.1:0.2"}).has(choice.name)


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        ({"learning_rat": "0.1:1"}, "neither a choice of the plan nor a parameter"),
        ({"lr": "0.1:1", "learning_rate": "0.1:1"}, "lr and learning_rate are the same"),
        ({"optimizer": "sgd,adam"}, "adam"),
        ({"batch_size": "0.5:8.0"}, "takes whole numbers"),
        ({"label_smoothing": "0:1.5"}, "at most 0.9"),
        ({"total_steps": "int:1:3"}, "cannot be set"),
    ],
)
def test_what_is_no_name_or_value_is_refused(dimensions, message):
    with pytest.raises(OptionError, match=message):
        targets_of(**dimensions)


def test_the_nearest_name_is_told():
    with pytest.raises(OptionError) as error:
        targets_of(["width"], widht="int:1:2")
    assert error.value.hint == "did you mean 'width'?"


def test_a_parameter_with_a_choices_name_has_a_prefix():
    targets = targets_of(["momentum"], momentum="0.5:0.9", **{"net.momentum": "0.1:0.2"})
    assert targets.choices({"momentum": 0.6, "net.momentum": 0.1}).network == {"momentum": 0.1}


def test_canonical_names_are_those_of_any_search():
    short, long = (
        targets_of(["width"], lr="0.1:1", width="int:1:2"),
        targets_of(["width"], learning_rate="0.1:1", width="int:1:2"),
    )
    canonical = short.canonical({"lr": 0.5, "width": 1})
    assert canonical == {"learning_rate": 0.5, "net.width": 1}
    assert long.named(canonical) == {"learning_rate": 0.5, "width": 1}


@pytest.mark.parametrize(
    ("dimension", "value", "found"),
    [
        ("1e-3,1e-2", 0.001, "1e-3"),
        ([(16,), (32, 16)], (16,), "16"),
        ([None, "batch"], None, "none"),
        ([True, False], False, "False"),
        ("1,2", True, None),
        ("relu,gelu", "gelu", "gelu"),
        ("0:1.0", 0.5, 0.5),
        ("int:1:4", 9, None),
    ],
)
def test_a_value_in_python_is_found_among_those_of_a_dimension(dimension, value, found):
    assert find_value(parse_dimension("x", dimension), value) == found
