"""``naiad test``: tests a trained model on data."""

from typing import Annotated

import typer

import naiad
from naiad.cli import options
from naiad.cli.evaluation_text import print_evaluation
from naiad.cli.output import print_json


def test(
    artifact: options.ArtifactArgument,
    data: options.DataArgument,
    split: Annotated[str, typer.Option(help="Which split of DATA; data without splits is taken whole.")] = "test",
    trust: options.TrustOption = False,
    as_json: options.JsonOption = False,
) -> None:
    """Test a trained model on data."""
    from naiad.trainer.machine.thread_waiting import keep_adapting

    keep_adapting()
    evaluation = naiad.load(artifact, trust=trust).evaluate(data, split=split).to_json()
    if as_json:
        print_json(evaluation)
    else:
        print_evaluation(evaluation)
