"""Archives of models and of source code, whose errors are the request's."""

from pathlib import Path
from typing import IO

from naiad import archive
from naiad.errors import ArchiveError
from naiad.service.domain.errors import Invalid


def extract_tar(content: IO[bytes], target: Path) -> None:
    """Extracts a tar file as ``naiad.archive`` does. Raises Invalid."""
    try:
        archive.extract_tar(content, target)
    except ArchiveError as error:
        raise Invalid(str(error)) from error
