"""The keys of all objects in a bucket's folder, in no order: however many there are, few of them are in memory."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from naiad.service.blobs.names import parse_entry

_LOG = logging.getLogger(__name__)


def walk_objects(folder: Path, *, base: str = "") -> Iterator[str]:
    """Yields each key below ``base``. Objects that are put or deleted meanwhile may be among them or not."""
    try:
        with os.scandir(folder) as entries:
            for found in entries:
                entry = parse_entry(found.name)
                if entry is None:
                    continue
                if entry.is_object:
                    yield base + entry.text
                else:
                    yield from walk_objects(Path(found.path), base=base + entry.text)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        _LOG.error("the folder %s cannot be read: %s", folder, error.strerror)
