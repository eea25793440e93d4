"""The edge of the command line: what goes wrong becomes one clear message on stderr and an exit status.

0  done, or stopped on request with a checkpoint     2    what was given cannot be used; nothing was written
1  the run failed                                    130  interrupted before there was anything to keep
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from naiad.cli.output import complain
from naiad.errors import InputError, NaiadError, OptionError, Stopped, nearest

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130

_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""click's, or typer's own copy of it: that depends on typer's version."""


@dataclass
class Settings:
    """What stands before the command: ``naiad --traceback train …``."""

    traceback: bool = False


def guarded(command: Callable[[Settings], Any], arguments: Sequence[str] = ()) -> int:
    """Runs ``command``, typed as ``arguments``, and returns the exit status. The one broad ``except`` is here."""
    settings = Settings(traceback=os.environ.get("NAIAD_TRACEBACK", "") not in ("", "0"))
    try:
        status = command(settings)
    except NaiadError as error:
        return _told(error, settings)
    except _UsageError as error:
        return _told(_misuse(error, arguments), settings)
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # reason: the process's edge
        return _unexpected(error, settings)
    return status if isinstance(status, int) else DONE


def _told(error: NaiadError, settings: Settings) -> int:
    if settings.traceback:
        traceback.print_exception(error)
    if isinstance(error, Stopped):
        complain(str(error), hint=error.hint)
        return DONE
    complain(f"error: {error}", hint=error.hint)
    return MISUSED if isinstance(error, InputError) else FAILED


def _unexpected(error: Exception, settings: Settings) -> int:
    if settings.traceback:
        traceback.print_exception(error)
    text = str(error).strip().partition("\n")[0]
    complain(
        f"error: unexpected {type(error).__name__}{': ' if text else ''}{text}",
        hint=None
        if settings.traceback
        else "set NAIAD_TRACEBACK=1 and run it again to see where; then please report it",
    )
    return FAILED


def _misuse(error: Any, arguments: Sequence[str]) -> OptionError:
    """The parser's complaint, in Naiad's words."""
    context = error.ctx
    if hasattr(error, "possibilities") and context is not None:
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        return OptionError(f"unknown option {error.option_name}", hint=nearest(error.option_name, [*known, "--help"]))
    hint = f"see {context.command_path if context is not None else 'naiad'} --help"
    text = error.format_message().strip().rstrip(".").replace("\n", " ")
    given = _given(getattr(error, "param", None), arguments)
    if given is not None:
        option, value = given
        return OptionError(
            f"{option}: {_lower(error.message.partition(',')[0].rstrip('.'))}, given {value!r}", hint=hint
        )
    return OptionError(_lower(text), hint=hint)


def _given(parameter: Any, arguments: Sequence[str]) -> tuple[str, str] | None:
    """An option's name and value as they were typed; None where there is none."""
    for option in getattr(parameter, "opts", ()):
        for place, argument in enumerate(arguments):
            name, equals, value = argument.partition("=")
            if option.startswith("-") and name == option and (equals or place + 1 < len(arguments)):
                return option, value if equals else arguments[place + 1]
    return None


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def exit_with(status: int) -> None:
    """Ends the process without a second complaint when whoever read our output has gone (``naiad nets | head``)."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
