"""``naiad doctor``: what this machine offers, and what is missing."""

from pathlib import Path

from naiad.cli import options
from naiad.cli.output import give_json, give_table


def doctor(as_json: options.Json = False) -> None:
    """Show what this machine offers."""
    from naiad.trainer.doctor import examine

    lines = examine(Path.cwd())
    if as_json:
        give_json([line.to_json() for line in lines])
        return
    give_table(
        ["what", "state", "found", "what to do"],
        [[line.topic, str(line.state), line.found, line.hint or ""] for line in lines],
    )
