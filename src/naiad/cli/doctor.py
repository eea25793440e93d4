"""``naiad doctor``: shows what this machine offers, what is missing, and how fast it is."""

from pathlib import Path
from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.output import print_json, print_message, print_table

SpeedOption = Annotated[bool, typer.Option("--speed", help="Measure this machine for ten seconds instead.")]


def doctor(speed: SpeedOption = False, as_json: options.JsonOption = False) -> None:
    """Show what this machine offers."""
    if speed:
        _show_speed(as_json=as_json)
        return
    from naiad.cli.wall_checks import run_wall_checks
    from naiad.trainer.doctor import run_checks

    checks = (*run_checks(Path.cwd()), *run_wall_checks())
    if as_json:
        print_json([check.to_json() for check in checks])
        return
    print_table(
        ["what", "state", "found", "what to do"],
        [[check.topic, str(check.state), check.found, check.hint or ""] for check in checks],
    )


def _show_speed(*, as_json: bool) -> None:
    from naiad.trainer.doctor_speed import measure_speed

    print_message("measuring for about ten seconds")
    measured = measure_speed(Path.cwd())
    if as_json:
        print_json(measured.to_json())
        return
    print_table(
        ["what", "format", "threads", "speed"],
        [
            [rate.what, rate.number_format or "", str(rate.threads or ""), f"{rate.value:,.3g} {rate.unit}"]
            for rate in measured.rates
        ],
    )
    print_table(
        ["choice", "value", "reason"], [[choice.name, choice.value, choice.reason] for choice in measured.choices]
    )
