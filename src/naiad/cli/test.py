"""``naiad test``: how good a trained model is on data."""

from typing import Annotated

import typer

import naiad
from naiad.cli import options
from naiad.cli.output import give_json
from naiad.cli.results import give_evaluation


def test(
    artifact: options.Artifact,
    data: options.Data,
    split: Annotated[str, typer.Option(help="Which split of DATA; data without splits is taken whole.")] = "test",
    as_json: options.Json = False,
) -> None:
    """Test a trained model on data."""
    evaluation = naiad.load(artifact).evaluate(data, split=split).to_json()
    if as_json:
        give_json(evaluation)
    else:
        give_evaluation(evaluation)
