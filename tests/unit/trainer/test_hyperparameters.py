"""Hyperparameters carry the options of a run from the client to the job's program."""

import json
from typing import Any

import pytest

from naiad.errors import OptionError
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.hyperparameters import check_names, from_hyperparameters, to_hyperparameters

OPTIONS = FitOptions(
    epochs=3,
    time_limit_s=90.0,
    plan={"batch_size": 64, "augment": ("flip", "shift"), "clip_norm": None},
    seed=7,
    task="classification",
    label="kind",
    image_size=(32, 48),
    report=False,
)
HYPERPARAMETERS = {
    "epochs": "3",
    "time_limit": "90s",
    "seed": "7",
    "task": "classification",
    "label": "kind",
    "image_size": "32x48",
    "report": "false",
    "plan.batch_size": "64",
    "plan.augment": "flip,shift",
    "plan.clip_norm": "none",
}


def decoded(hyperparameters: dict[str, str]) -> dict[str, Any]:
    """Returns what the container contract makes of the texts: the values of JSON, and other texts as they are."""

    def value(text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            return text

    return {name: value(text) for name, text in hyperparameters.items()}


def test_options_become_texts() -> None:
    assert to_hyperparameters(OPTIONS) == HYPERPARAMETERS
    assert to_hyperparameters(FitOptions(image_size=28)) == {"image_size": "28", "report": "true"}


def test_texts_become_options_again() -> None:
    plan = {"batch_size": 64, "augment": "flip,shift", "clip_norm": "none"}
    options = from_hyperparameters(decoded(HYPERPARAMETERS), validation="/v")
    assert options == FitOptions(**{**vars(OPTIONS), "plan": plan, "validation": "/v"})


def test_defaults_are_those_of_a_job() -> None:
    assert from_hyperparameters({}) == FitOptions(plan={}, seed=0)
    assert from_hyperparameters({"label": 7}).label == "7"


@pytest.mark.parametrize("plan", ["runs/shoes", {"augment": True}, {"augment": {}}])
def test_a_plan_that_cannot_be_written_is_refused(plan: Any) -> None:
    with pytest.raises(OptionError, match="of the plan"):
        to_hyperparameters(FitOptions(plan=plan))


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    check_names(HYPERPARAMETERS)
    with pytest.raises(OptionError, match="'epoch' is no hyperparameter") as caught:
        check_names({"epoch": 3})
    assert caught.value.hint == "did you mean 'epochs'?"
