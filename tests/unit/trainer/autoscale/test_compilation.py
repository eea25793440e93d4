"""torch.compile, only where it repays."""

import pytest

from naiad.trainer.autoscale import compilation


def test_a_short_run_does_not_try_it(scripted, measuring, plan):
    of = scripted(lambda _: 0.01)
    assert compilation.choose(plan(), measuring(of, budget_s=10)) == plan()
    assert of.timed == []


@pytest.mark.parametrize(("compiled_s", "taken"), [(0.005, "on"), (0.0099, "off"), (0.02, "off")])
def test_it_is_taken_where_it_is_clearly_faster(scripted, measuring, plan, compiled_s, taken):
    of = scripted(lambda tried: {"off": 0.01, "on": compiled_s}[tried.compile])
    assert compilation.choose(plan(), measuring(of)).compile == taken


def test_a_compiler_that_fails_is_told(scripted, measuring, plan):
    def seconds(tried):
        if tried.compile == "on":
            raise RuntimeError("no C++ compiler was found\nand more")
        return 0.01

    found = compilation.choose(plan(), measuring(scripted(seconds)))
    assert found.compile == "off"
    assert "no C++ compiler was found" in dict(found.reasons)["compile"].text
