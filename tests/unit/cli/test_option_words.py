"""Options in messages, as they are typed on the command line."""

from dataclasses import fields

import pytest
import typer

from naiad.cli.main import app
from naiad.cli.option_words import to_command_line
from naiad.trainer.fit_options import FitOptions, flag_of


def test_each_option_of_fit_is_one_of_the_command() -> None:
    command = typer.main.get_command(app).commands["train"]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {flag_of(option.name) for option in fields(FitOptions)} <= known


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("plan={'batch_size': 64}", "--set batch_size=64"),
        ("x; plan={'network_output': 'logits'} takes them", "x; --set network_output=logits takes them"),
        ("or give single choices: plan={...}", "or give single choices: --set NAME=VALUE"),
        ("types={'zip': 'text'} would", "--type zip=text would"),
        ("types={'full name': '1.234,5'}", "--type 'full name=1.234,5'"),
        ("name it with label=", "name it with --label"),
        ("label=, of a, b", "--label, of a, b"),
        ("give task='clustering'", "give --task clustering"),
        ("use smaller images (image_size=) or fewer", "use smaller images (--image-size) or fewer"),
        ("image_size=32 resizes them, or net='mlp'", "--image-size 32 resizes them, or mlp"),
        ("as_= sets another layout", "--as sets another layout"),
        ("go on with it: resume=True", "go on with it: --resume"),
        ("report=False saves time", "--no-report saves time"),
        ("give time_limit_s=60", "give --time-limit 60s"),
        ("a longer time_limit_s=", "a longer --time-limit"),
        ("net=None chooses a network", "auto chooses a network"),
        ("x_label=3, --set label=a", "x_label=3, --set label=a"),
        ("what needs no change, such as a=b", "what needs no change, such as a=b"),
    ],
)
def test_options_are_named_as_they_are_typed(text: str, typed: str) -> None:
    assert to_command_line(text) == typed
