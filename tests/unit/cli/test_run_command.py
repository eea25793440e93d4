import pytest

from naiad.cli.run_command import FAILURE, INTERRUPTED, SUCCESS, USAGE_ERROR, GlobalOptions, run_command
from naiad.errors import DataError, LossNotFinite, NaiadError, OptionError, TrainingError, TrainingStopped


def raising(error: BaseException):
    def command(_: GlobalOptions) -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (
            DataError("photos/ does not exist", hint="give a folder"),
            USAGE_ERROR,
            "error: photos/ does not exist\n\nhint: give a folder\n",
        ),
        (
            OptionError("a is no column", hint="name one with label="),
            USAGE_ERROR,
            "error: a is no column\n\nhint: name one with --label\n",
        ),
        (DataError("no data was given"), USAGE_ERROR, "error: no data was given\n"),
        (LossNotFinite("the loss is not finite at step 7"), FAILURE, "error: the loss is not finite at step 7\n"),
        (
            TrainingStopped("stopped by SIGTERM at step 7 of 9", hint="go on"),
            SUCCESS,
            "stopped by SIGTERM at step 7 of 9\n\nhint: go on\n",
        ),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted\n"),
    ],
)
def test_errors_become_a_message_and_a_status(
    error: BaseException, status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(raising(error)) == status
    assert capsys.readouterr() == ("", text)


@pytest.mark.parametrize(
    ("rank", "error", "is_printed"),
    [
        ("0", OptionError("no epochs"), True),
        ("1", OptionError("no epochs"), False),
        ("1", TrainingStopped("stopped by SIGTERM at step 7 of 9"), False),
        ("1", TrainingError("another process of this run has ended"), True),
        ("1", DataError("photos/ does not exist"), True),
    ],
)
def test_the_first_process_alone_prints_an_error_that_all_raise(
    rank: str,
    error: NaiadError,
    is_printed: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", rank)
    run_command(raising(error))
    assert bool(capsys.readouterr().err) is is_printed


def test_an_unexpected_error_is_one_line_with_a_hint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NAIAD_TRACEBACK", raising=False)
    assert run_command(raising(ZeroDivisionError("division by zero"))) == FAILURE
    err = capsys.readouterr().err
    assert err.startswith("error: unexpected ZeroDivisionError: division by zero\n\nhint: set NAIAD_TRACEBACK=1")
    assert "Traceback" not in err


def test_a_traceback_on_request(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAIAD_TRACEBACK", "1")
    run_command(raising(ZeroDivisionError("division by zero")))
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_status_is_passed_on() -> None:
    assert run_command(lambda _: FAILURE) == FAILURE
    assert run_command(lambda _: None) == SUCCESS
