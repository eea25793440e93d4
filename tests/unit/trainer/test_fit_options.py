import inspect
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

import naiad
from naiad.errors import OptionError
from naiad.trainer.fit_options import FitOptions, help_of


def test_they_are_the_options_of_fit() -> None:
    names = [field.name for field in fields(FitOptions)]
    assert list(inspect.signature(naiad.fit).parameters) == ["net", "data", *names, "progress"]


def test_each_has_a_help_text() -> None:
    for field in fields(FitOptions):
        assert help_of(field.name).endswith(".")


@pytest.mark.parametrize("seed", [0, 2**32 - 1, np.int64(3), None])
def test_a_seed(seed: Any) -> None:
    assert FitOptions(seed=seed).seed == seed


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, True, "3"])
def test_a_value_that_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(OptionError, match="seed must be a whole number from 0 to 4294967295, given"):
        FitOptions(seed=seed)
