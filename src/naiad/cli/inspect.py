"""``naiad inspect``: what is in the data, what cleaning found, and why it could not be trained on. Never trains."""

from typing import TYPE_CHECKING, Annotated

import typer

import naiad
from naiad.cli import options
from naiad.cli.output import give, give_json, give_table
from naiad.trainer import arguments

if TYPE_CHECKING:
    from naiad.trainer.data.inspection import Inspection

_CLASSES_SHOWN = 30


def inspect(
    data: options.Data,
    validation: Annotated[str | None, typer.Option(metavar="DATA", help="Validation data, looked at too.")] = None,
    label: options.Label = None,
    task: options.Task = None,
    image_size: options.ImageSize = None,
    as_json: options.Json = False,
) -> None:
    """Show what is in the data, without training."""
    size = arguments.image_size(image_size)
    found = naiad.inspect(data, validation=validation, task=task, label=label, image_size=size)
    if as_json:
        give_json(found.to_json())
    else:
        _give(found)


def _give(found: "Inspection") -> None:
    shape = "×".join(map(str, found.sample_shape)) if found.sample_shape is not None else "of several shapes"
    room = "held in memory" if found.in_memory else "streamed"
    give(f"{'data':<9}{found.name}: {found.kind}, {shape}, {found.dtype}, {found.memory_bytes / 2**20:,.1f} MiB {room}")
    give(f"{'task':<9}{found.task or 'not settled'}{': ' if found.task_reason else ''}{found.task_reason}")
    give(f"{'splits':<9}{', '.join(f'{split} {count:,}' for split, count in found.splits.items())}")
    _give_classes(found)
    _give_findings(found)
    for problem in found.problems:
        give(f"\ncannot be trained on: {problem}")


def _give_classes(found: "Inspection") -> None:
    names = list(dict.fromkeys(name for counts in found.classes.values() for name in counts))
    if not names:
        return
    give("")
    rows = [[name, *(f"{counts.get(name, 0):,}" for counts in found.classes.values())] for name in names]
    give_table([found.target_name, *found.classes], rows[:_CLASSES_SHOWN])
    if len(rows) > _CLASSES_SHOWN:
        give(f"and {len(rows) - _CLASSES_SHOWN} more classes: see --json")


def _give_findings(found: "Inspection") -> None:
    give("")
    if not found.findings.items:
        give("cleaning found nothing")
        return
    rows = [
        [item.kind, item.split, f"{item.count:,}", str(item.action), item.message, ", ".join(item.examples)]
        for item in found.findings.items
    ]
    give_table(["finding", "split", "count", "done", "what it means", "examples"], rows)
