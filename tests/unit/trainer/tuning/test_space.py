"""A space's conditions, constraints and combinations."""

import pytest

from naiad.errors import OptionError
from naiad.trainer.tuning.constraint import Constraint
from naiad.trainer.tuning.space import make_space
from naiad.trainer.tuning.space_text import parse_dimension, parse_space_pairs


def space_of(constraints=(), **dimensions):
    parsed = [parse_dimension(name, text) for name, text in dimensions.items()]
    return make_space(parsed, [Constraint(text) for text in constraints])


def test_a_dimension_follows_that_of_its_condition():
    space = space_of(momentum="0.8:0.99 if optimizer=sgd", optimizer="sgd,adamw")
    assert space.names == ("optimizer", "momentum")
    assert set(space.at([0.1, 0.5])) == {"optimizer", "momentum"}
    assert set(space.at([0.9, 0.5])) == {"optimizer"}


def test_combinations_leave_out_what_does_not_count():
    space = space_of(optimizer="sgd,adamw", nesterov="on,off if optimizer=sgd")
    assert len(list(space.combinations())) == 3


def test_a_grid_leaves_out_what_a_constraint_forbids():
    space = space_of(["width * depth <= 64"], width="16,32,64", depth="int:1:3")
    found = {(values["width"], values["depth"]) for values in space.grid()}
    assert found == {("16", 1), ("16", 2), ("16", 3), ("32", 1), ("32", 2), ("64", 1)}
    with pytest.raises(OptionError, match="computes with 'relu'"):
        list(space_of(["kind * 2 < 3"], kind="relu,gelu").grid())


@pytest.mark.parametrize(
    ("dimensions", "constraints", "message"),
    [
        ({"a": "1:2 if b=x"}, (), "a counts only with b, which the space has not"),
        ({"a": "1:2 if b=z", "b": "x,y"}, (), "b z, which b has not"),
        ({"a": "1:2 if b=7", "b": "int:1:3"}, (), "b 7, which b has not"),
        ({"a": "1:2 if b=2.0", "b": "int:1:3"}, (), "b 2.0, which b has not"),
        ({"a": "1:2 if b=0.5", "b": "0:1.0"}, (), "b, which is a range of numbers"),
        ({"a": "x,y if b=x", "b": "x,y if a=x"}, (), "go in a circle"),
        ({"a": "1:2"}, ("a < c",), "names c, which the space has not"),
    ],
)
def test_what_does_not_fit_together_is_refused(dimensions, constraints, message):
    with pytest.raises(OptionError, match=message):
        space_of(constraints, **dimensions)


def test_values_of_another_search_count_where_they_are_inside():
    space = space_of(lr="log:0.01:1", optimizer="sgd,adamw", momentum="0.8:0.99 if optimizer=sgd")
    assert space.read_values({"lr": "0.1", "optimizer": "adamw", "width": 3}) == {"lr": 0.1, "optimizer": "adamw"}
    assert space.read_values({"lr": 5.0, "optimizer": "adamw"}) is None
    assert space.read_values({"lr": 0.1, "optimizer": "sgd"}) is None


@pytest.mark.parametrize(
    ("text", "kind", "scale"),
    [
        ("log:1e-4:1", "continuous", "log"),
        ("0:0.5", "continuous", "linear"),
        ("16:256", "integer", "linear"),
        ("logint:16:256", "integer", "log"),
        ("reverse_log:0.9:0.999", "continuous", "reverse_log"),
    ],
)
def test_ranges_are_read_from_text(text, kind, scale):
    written = parse_dimension("x", text).to_json()
    assert (written["type"], written["scale"]) == (kind, scale)


def test_values_are_read_from_text_and_lists():
    assert parse_dimension("x", "relu, gelu").choices == ("relu", "gelu")
    assert parse_dimension("x", [(64,), (32, 16)]).choices == ("64", "32+16")
    assert parse_dimension("x", [True, None]).objects == {"True": True, "none": None}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("log:1:2:3", "is no range"),
        ("leg:1:2", "is no range"),
        ("log:a:b", "ends are no numbers"),
        ("relu,", "empty value"),
        ((0.01, 0.1), "may be two values or a range"),
        (None, "takes a range or values"),
    ],
)
def test_what_is_no_dimension_is_refused(given, message):
    with pytest.raises(OptionError, match=message):
        parse_dimension("x", given)


def test_pairs_of_the_command_line():
    assert parse_space_pairs(["lr=log:1e-4:1", "momentum=0.8:0.9 if optimizer=sgd"]) == {
        "lr": "log:1e-4:1",
        "momentum": "0.8:0.9 if optimizer=sgd",
    }
    with pytest.raises(OptionError, match="given twice"):
        parse_space_pairs(["lr=1:2", "lr=2:3"])
    with pytest.raises(OptionError, match="takes name=range"):
        parse_space_pairs(["lr"])


@pytest.mark.parametrize(
    "text", ["__import__('os')", "a.b < 1", "f(a) < 1", "a", "a < [1]", "a <", "a ** 2 < 3", "True < a"]
)
def test_a_constraint_is_no_program(text):
    with pytest.raises(OptionError, match="no comparison of names and numbers"):
        Constraint(text)


def test_a_constraint_counts_where_its_names_have_values():
    constraint = Constraint("0 < a - b / 2 <= 4")
    assert constraint.names == {"a", "b"}
    assert constraint.is_met({"a": 4, "b": 2})
    assert not constraint.is_met({"a": 4, "b": 20})
    assert constraint.is_met({"a": 4})
    assert Constraint("optimizer != 'sgd'").is_met({"optimizer": "adamw"})


def test_a_set_has_one_order():
    values = {"relu", "gelu", "silu", "tanh", "elu"}
    assert parse_dimension("activation", values).choices == tuple(sorted(values))


def test_a_name_is_a_text():
    with pytest.raises(OptionError, match="the name of a dimension is a text, given 1"):
        parse_dimension(1, "a,b")


def test_python_objects_are_told_in_the_file_of_a_study():
    assert parse_dimension("hidden", [(16,), (32, 16)]).to_json()["are_objects"]
    assert "are_objects" not in parse_dimension("bias", [True, None, 1, 0.5]).to_json()
