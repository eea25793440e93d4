"""``naiad nets``: lists the networks of the registry."""

from naiad.cli import options
from naiad.cli.output import print_json, print_table


def nets(as_json: options.JsonOption = False) -> None:
    """List the networks that have a name."""
    from naiad.trainer.nets import list_networks

    entries = list_networks()
    if as_json:
        print_json(
            [
                {"name": entry.name, "family": entry.family, "input": entry.input, "summary": entry.summary}
                for entry in entries
            ]
        )
    else:
        print_table(
            ["name", "family", "input", "what it is"],
            [[entry.name, entry.family, entry.input, entry.summary] for entry in entries],
        )
