"""``naiad inspect``: shows what is in the data, what cleaning found, and why it could not be trained on. Never trains."""

from typing import TYPE_CHECKING, Annotated

import typer

import naiad
from naiad.cli import options
from naiad.cli.option_words import to_command_line
from naiad.cli.output import print_json, print_line, print_table
from naiad.trainer.option_text import parse_image_size, parse_types

if TYPE_CHECKING:
    from naiad.trainer.data.inspection import Inspection

_MAX_CLASSES, _MAX_COLUMNS = 30, 60


def inspect(
    data: options.DataArgument,
    validation: Annotated[str | None, typer.Option(metavar="DATA", help="Validation data, inspected too.")] = None,
    label: options.LabelOption = None,
    task: options.TaskOption = None,
    types: options.TypesOption = None,
    image_size: options.ImageSizeOption = None,
    as_: options.AsOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Show what is in the data, without training."""
    size = parse_image_size(image_size)
    inspection = naiad.inspect(
        data,
        validation=validation,
        task=task,
        label=label,
        types=parse_types(types or ()),
        image_size=size,
        as_=as_,
    )
    if as_json:
        print_json(inspection.to_json())
    else:
        _print_inspection(inspection)


def _print_inspection(inspection: "Inspection") -> None:
    shape = inspection.sample_shape
    shape_text = "×".join(map(str, shape)) if shape is not None else "of several shapes"
    memory = f"{inspection.memory_bytes / 2**20:,.1f} MiB {'held in memory' if inspection.in_memory else 'streamed'}"
    splits = ", ".join(f"{split} {count:,}" for split, count in inspection.splits.items())
    reason = f": {inspection.task_reason}" if inspection.task_reason else ""
    print_line(f"{'data':<9}{inspection.name}: {inspection.kind}, {shape_text}, {inspection.dtype}, {memory}")
    if inspection.reading:
        print_line(f"{'file':<9}{inspection.reading}")
    print_line(f"{'task':<9}{inspection.task or 'not known'}{reason}")
    print_line(f"{'splits':<9}{splits}")
    _print_columns(inspection)
    _print_classes(inspection)
    _print_findings(inspection)
    for problem in inspection.problems:
        print_line("")
        print_line(f"cannot be trained on: {problem}")


def _print_columns(inspection: "Inspection") -> None:
    if not inspection.columns:
        return
    print_line("")
    rows = [[column.name, column.role, column.read_as, column.detail] for column in inspection.columns]
    print_table(["column", "used as", "type", "how"], rows[:_MAX_COLUMNS])
    if len(rows) > _MAX_COLUMNS:
        print_line(f"and {len(rows) - _MAX_COLUMNS} more columns: see --json")
    print_line("--type COLUMN=TYPE sets another type: number, category, text, date, image or ignore")


def _print_classes(inspection: "Inspection") -> None:
    names = list(dict.fromkeys(name for counts in inspection.classes.values() for name in counts))
    if not names:
        return
    print_line("")
    rows = [[name, *(f"{counts.get(name, 0):,}" for counts in inspection.classes.values())] for name in names]
    print_table([inspection.target_name, *inspection.classes], rows[:_MAX_CLASSES])
    if len(rows) > _MAX_CLASSES:
        print_line(f"and {len(rows) - _MAX_CLASSES} more classes: see --json")


def _print_findings(inspection: "Inspection") -> None:
    print_line("")
    if not inspection.findings.items:
        print_line("cleaning found nothing")
        return
    rows = [
        [
            item.kind,
            item.split,
            f"{item.count:,}",
            str(item.action),
            to_command_line(item.message),
            ", ".join(item.examples),
        ]
        for item in inspection.findings.items
    ]
    print_table(["finding", "split", "count", "done", "what it means", "examples"], rows)
