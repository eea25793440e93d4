"""``naiad doctor``: shows what this machine offers, and what is missing."""

from pathlib import Path

from naiad.cli import options
from naiad.cli.output import print_json, print_table


def doctor(as_json: options.JsonOption = False) -> None:
    """Show what this machine offers."""
    from naiad.trainer.doctor import run_checks

    checks = run_checks(Path.cwd())
    if as_json:
        print_json([check.to_json() for check in checks])
        return
    print_table(
        ["what", "state", "found", "what to do"],
        [[check.topic, str(check.state), check.found, check.hint or ""] for check in checks],
    )
