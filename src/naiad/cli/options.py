"""Arguments and options that several commands share. ``naiad.trainer.option_text`` reads their values."""

from pathlib import Path
from typing import Annotated

import typer

from naiad.trainer.fit_options import help_of

NetArgument = Annotated[
    str, typer.Argument(metavar="NET", help="A name from `naiad nets`, file.py:Class, or auto.", show_default=False)
]
DataArgument = Annotated[
    str, typer.Argument(metavar="DATA", help="A folder, a file, or a name such as fashion-mnist.", show_default=False)
]
ArtifactArgument = Annotated[
    str, typer.Argument(metavar="ARTIFACT", help="The folder of a trained model.", show_default=False)
]
LabelOption = Annotated[str | None, typer.Option("--label", metavar="COLUMN", help=help_of("label"))]
TaskOption = Annotated[str | None, typer.Option("--task", help=help_of("task"))]
ImageSizeOption = Annotated[str | None, typer.Option("--image-size", metavar="N|HxW", help=help_of("image_size"))]
TypesOption = Annotated[list[str] | None, typer.Option("--type", metavar="COLUMN=TYPE", help=help_of("types"))]
AsOption = Annotated[str | None, typer.Option("--as", metavar="LAYOUT", help=help_of("as_"))]
SeedOption = Annotated[int, typer.Option("--seed", help="The same seed gives the same run.")]
TrustOption = Annotated[
    bool, typer.Option("--trust", help="Run the artifact's own program.pt2, which is code of whoever wrote it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="The server's folder; $NAIAD_STATE if left out.", show_default=False),
]
