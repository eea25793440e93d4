"""Options that several commands share. How their values are read: ``naiad.trainer.arguments``."""

from typing import Annotated

import typer

Net = Annotated[
    str, typer.Argument(metavar="NET", help="A name from `naiad nets`, file.py:Class, or auto.", show_default=False)
]
Data = Annotated[
    str, typer.Argument(metavar="DATA", help="A folder, a file, or a name such as fashion-mnist.", show_default=False)
]
Artifact = Annotated[str, typer.Argument(metavar="ARTIFACT", help="The folder of a trained model.", show_default=False)]
Label = Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="The target's column, for tables.")]
Task = Annotated[
    str | None,
    typer.Option("--task", help="classification, regression or clustering; found from the data if left out."),
]
ImageSize = Annotated[
    str | None, typer.Option("--image-size", metavar="N|HxW", help="Side, or height and width, in pixels.")
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same run.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
