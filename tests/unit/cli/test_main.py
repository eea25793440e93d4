import pytest

import naiad
from naiad.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["trian"], "unknown command 'trian'", "did you mean 'train'?"),
        (["train", "mlp", "iris", "--epoch", "3"], "unknown option --epoch", "did you mean '--epochs'?"),
        (
            ["train", "mlp", "iris", "--batch-size", "3"],
            "unknown option --batch-size",
            "it is a choice of the plan: --set batch_size=VALUE",
        ),
        (
            ["train", "mlp", "iris", "--lr=3"],
            "unknown option --lr",
            "it is a choice of the plan: --set learning_rate=VALUE",
        ),
        (["train", "mlp"], "missing argument 'DATA'", "see naiad train --help"),
        (["train", "mlp", "iris", "--resume"], "--resume needs the folder of the run", "name it: --out DIR"),
        (["train", "mlp", "iris", "--time-limit", "soon"], "'soon' is not a duration", "write it as 60s, 5m or 1h"),
        (
            ["train", "mlp", "iris", "--set", "lr"],
            "--set takes name=value, given 'lr'",
            "for example --set learning_rate=0.05",
        ),
    ],
)
def test_usage_errors_have_naiads_messages(
    arguments: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"error: {message}\n\nhint: {hint}\n")


@pytest.mark.parametrize("words", [["--epochs", "many"], ["--epochs=many"]])
def test_a_value_of_the_wrong_type_is_named(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "mlp", "iris", *words]) == 2
    message, _, hint = capsys.readouterr().err.partition("\n\n")
    assert message.startswith("error: --epochs: ")
    assert message.endswith(", given 'many'")
    assert hint == "hint: see naiad train --help\n"


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_version(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr() == (f"{naiad.__version__}\n", "")


def test_the_help_is_printed_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_help_of_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("demo", "train", "test", "predict", "inspect", "nets", "verify-resume", "doctor"):
        assert main([command, "--help"]) == 0
        assert capsys.readouterr().out.startswith(f"Usage: naiad {command} ")
