"""torch.compile, only where it repays."""

import pytest

from naiad.trainer.autoscale import compilation
from naiad.trainer.autoscale.budget import BudgetError


def test_a_short_run_does_not_try_it(scripted, make_setup, choose, plan):
    probe = scripted(lambda _: 0.01)
    with pytest.raises(BudgetError):
        choose(compilation, plan(), make_setup(probe, budget_s=10))
    assert probe.timed == []


@pytest.mark.parametrize(("compiled_s", "value"), [(0.005, "on"), (0.0099, "off"), (0.02, "off")])
def test_it_is_chosen_where_it_is_clearly_faster(scripted, make_setup, choose, plan, compiled_s, value):
    probe = scripted(lambda tried: {"off": 0.01, "on": compiled_s}[tried.compile])
    assert choose(compilation, plan(), make_setup(probe)).compile == value


def test_a_compiler_that_fails_is_named_in_the_reason(scripted, make_setup, choose, plan):
    def seconds(tried):
        if tried.compile == "on":
            raise RuntimeError("no C++ compiler was found\nand more")
        return 0.01

    after = choose(compilation, plan(), make_setup(scripted(seconds)))
    assert after.compile == "off"
    assert "no C++ compiler was found" in after.reason("compile").text
