"""Options in messages, as they are typed on the command line."""

import pytest

from naiad.cli.option_words import to_command_line


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
        ("net=None chooses a network", "auto chooses a network"),
        ("x_label=3, --set label=a", "x_label=3, --set label=a"),
        ("what needs no change, such as a=b", "what needs no change, such as a=b"),
    ],
)
def test_options_are_named_as_they_are_typed(text: str, typed: str) -> None:
    assert to_command_line(text) == typed
