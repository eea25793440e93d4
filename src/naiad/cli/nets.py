"""``naiad nets``: the networks that have a name."""

from naiad.cli import options
from naiad.cli.output import give_json, give_table


def nets(as_json: options.Json = False) -> None:
    """List the networks that have a name."""
    from naiad.trainer.nets import entries

    found = entries()
    if as_json:
        give_json(
            [
                {"name": entry.name, "family": entry.family, "input": entry.input, "summary": entry.summary}
                for entry in found
            ]
        )
    else:
        give_table(
            ["name", "family", "input", "what it is"],
            [[entry.name, entry.family, entry.input, entry.summary] for entry in found],
        )
