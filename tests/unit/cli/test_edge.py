import pytest

from naiad.cli.edge import DONE, FAILED, INTERRUPTED, MISUSED, Settings, guarded
from naiad.errors import DataError, LossNotFinite, Stopped


def raising(error: BaseException):
    def command(_: Settings) -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (
            DataError("photos/ does not exist", hint="give a folder"),
            MISUSED,
            "error: photos/ does not exist\n\nhint: give a folder\n",
        ),
        (DataError("no data was given"), MISUSED, "error: no data was given\n"),
        (LossNotFinite("the loss is not finite at step 7"), FAILED, "error: the loss is not finite at step 7\n"),
        (
            Stopped("stopped by SIGTERM at step 7 of 9", hint="go on"),
            DONE,
            "stopped by SIGTERM at step 7 of 9\n\nhint: go on\n",
        ),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted\n"),
    ],
)
def test_errors_become_a_message_and_a_status(
    error: BaseException, status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error)) == status
    assert capsys.readouterr() == ("", text)


def test_the_unexpected_is_one_line_and_how_to_see_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NAIAD_TRACEBACK", raising=False)
    assert guarded(raising(ZeroDivisionError("division by zero"))) == FAILED
    err = capsys.readouterr().err
    assert err.startswith("error: unexpected ZeroDivisionError: division by zero\n\nhint: set NAIAD_TRACEBACK=1")
    assert "Traceback" not in err


def test_a_traceback_on_request(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAIAD_TRACEBACK", "1")
    guarded(raising(ZeroDivisionError("division by zero")))
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_status_is_passed_on() -> None:
    assert guarded(lambda _: FAILED) == FAILED
    assert guarded(lambda _: None) == DONE
