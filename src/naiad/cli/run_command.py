"""Runs a command: what goes wrong becomes one clear message on stderr and an exit status.

0  done, or stopped on request with a checkpoint     2    the input cannot be used; nothing was written
1  the run failed                                    130  interrupted before there was anything to keep

Of several processes that train together (torchrun), the first alone prints an error that all of them raise.
"""

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from naiad.cli.option_words import to_command_line
from naiad.cli.output import print_error, print_message
from naiad.errors import InputError, NaiadError, OptionError, TrainingStopped, did_you_mean
from naiad.extras import explain_missing_packages
from naiad.trainer.plan.plan import CHOICES

SUCCESS, FAILURE, USAGE_ERROR, INTERRUPTED = 0, 1, 2, 130

_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""The class of click, or of typer's own copy of click: that depends on typer's version."""


@dataclass
class GlobalOptions:
    """Options that stand before the command: ``naiad --traceback train …``."""

    traceback: bool = False


def run_command(command: Callable[[GlobalOptions], Any], arguments: Sequence[str] = ()) -> int:
    """Runs ``command``, typed as ``arguments``, and returns the exit status. The one broad ``except`` is here."""
    options = GlobalOptions(traceback=os.environ.get("NAIAD_TRACEBACK", "") not in ("", "0"))
    try:
        with explain_missing_packages():
            status = command(options)
    except NaiadError as error:
        return _report(error, options)
    except _UsageError as error:
        return _report(_usage_error(error, arguments), options)
    except (KeyboardInterrupt, typer.Abort):
        print_error("interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # reason: the process ends here
        return _report_unexpected(error, options)
    return status if isinstance(status, int) else SUCCESS


def _report(error: NaiadError, options: GlobalOptions) -> int:
    if options.traceback:
        _print_traceback(error)
    is_stopped = isinstance(error, TrainingStopped)
    if not (error.raised_by_all and _is_later_process(os.environ)):
        hint = None if error.hint is None else to_command_line(error.hint)
        print_error(str(error) if is_stopped else f"error: {error}", hint=hint)
    if is_stopped:
        return SUCCESS
    return USAGE_ERROR if isinstance(error, InputError) else FAILURE


def _print_traceback(error: BaseException) -> None:
    print_message("".join(traceback.format_exception(error)).rstrip("\n"))


def _is_later_process(environment: Mapping[str, str]) -> bool:
    """Whether torchrun's variables say that this is one of several processes, and not the first."""
    return environment.get("WORLD_SIZE", "1") != "1" and environment.get("RANK", "0") != "0"


def _report_unexpected(error: Exception, options: GlobalOptions) -> int:
    if options.traceback:
        _print_traceback(error)
    text = str(error).strip().partition("\n")[0]
    print_error(
        f"error: unexpected {type(error).__name__}{': ' if text else ''}{text}",
        hint=None
        if options.traceback
        else "set NAIAD_TRACEBACK=1 and run it again to see where; then please report it",
    )
    return FAILURE


def _usage_error(error: Any, arguments: Sequence[str]) -> OptionError:
    """Returns the parser's complaint in Naiad's words."""
    context = error.ctx
    if hasattr(error, "possibilities") and context is not None:
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        hint = _choice_hint(error.option_name, known) or did_you_mean(error.option_name, [*known, "--help"])
        return OptionError(f"unknown option {error.option_name}", hint=hint)
    hint = f"see {context.command_path if context is not None else 'naiad'} --help"
    text = error.format_message().strip().rstrip(".").replace("\n", " ")
    typed = _typed_option(getattr(error, "param", None), arguments)
    if typed is not None:
        option, value = typed
        problem = _lower_first(error.message.partition(",")[0].rstrip("."))
        return OptionError(f"{option}: {problem}, given {value!r}", hint=hint)
    return OptionError(_lower_first(text), hint=hint)


def _choice_hint(option: str, known: Sequence[str]) -> str | None:
    """Returns how to set the choice of a plan that the option names, as ``--batch-size`` does; None where it names none."""
    name = option.strip("-").replace("-", "_")
    name = _USUAL_NAMES.get(name, name)
    if "--set" not in known or name not in CHOICES or not CHOICES[name].is_settable:
        return None
    return f"it is a choice of the plan: --set {name}=VALUE"


_USUAL_NAMES = {
    "lr": "learning_rate",
    "wd": "weight_decay",
    "batch": "batch_size",
    "bs": "batch_size",
    "amp": "precision",
}
"""Choices of the plan by the names that they have in other trainers."""


def _typed_option(parameter: Any, arguments: Sequence[str]) -> tuple[str, str] | None:
    """Returns an option's name and value as they were typed; None for an argument without a name."""
    for option in getattr(parameter, "opts", ()):
        for index, argument in enumerate(arguments):
            name, equals, value = argument.partition("=")
            if option.startswith("-") and name == option and (equals or index + 1 < len(arguments)):
                return option, value if equals else arguments[index + 1]
    return None


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def exit_process(status: int) -> None:
    """Ends the process, quietly also when the reader of its output has gone (``naiad nets | head``)."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
