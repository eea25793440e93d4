"""Words of the command line for the options that messages name as arguments of ``fit``: ``--set a=1`` for ``plan={'a': 1}``."""

import re
import shlex
from dataclasses import fields

from naiad.trainer.fit_options import FitOptions, flag_of

_VALUE = r"'([^']*)'|([\w.]+)"
_ASSIGNMENT = rf"\{{(?:'([^']+)'): (?:{_VALUE})\}}"
_OPTIONS = [option.name for option in fields(FitOptions) if option.name not in ("plan", "types")]
"""Options with one value; plan and types name several."""


def to_command_line(text: str) -> str:
    """Returns the text with options as they are typed: ``--type zip=text`` for ``types={'zip': 'text'}``."""
    text = re.sub(rf"\bplan={_ASSIGNMENT}", lambda match: _assignment("--set", match), text)
    text = re.sub(rf"\btypes={_ASSIGNMENT}", lambda match: _assignment("--type", match), text)
    text = text.replace("plan={...}", "--set NAME=VALUE").replace("net=None", "auto")
    text = re.sub(r"\bnet='([^']+)'", r"\1", text)
    return re.sub(rf"(?<![\w-])(?<!--set )({'|'.join(_OPTIONS)})=(?:{_VALUE})?", _option, text)


def _assignment(option: str, match: re.Match[str]) -> str:
    name, *values = match.groups()
    return f"{option} {shlex.quote(f'{name}={_first_value(values)}')}"


def _option(match: re.Match[str]) -> str:
    name, *values = match.groups()
    option, value = flag_of(name), _first_value(values)
    if value in ("True", "False"):
        return option if value == "True" else option.replace("--", "--no-")
    value += "s" if name == "time_limit_s" and value else ""
    return f"{option} {shlex.quote(value)}" if value else option


def _first_value(values: list[str | None]) -> str:
    return next((value for value in values if value is not None), "")
