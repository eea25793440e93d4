"""A file of TensorBoard events that is written from the thread that trains, so that a full disk is one error and not a thread's.

The records, their sums and the messages are TensorBoard's own; its writer would hand them to a thread of its own.
"""

import contextlib
import os
import socket
import time
from itertools import count
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

_VERSION = "brain.Event:2"
_NUMBERS = count()


class TensorBoardFile:
    """Adds points to a new file, which are in it when ``add_scalars`` returns. Raises OSError."""

    def __init__(self, folder: Path, *, first_step: int | None = None) -> None:
        """folder: is made where it does not exist. first_step: points of earlier files from there on are not shown."""
        folder.mkdir(parents=True, exist_ok=True)
        unique = f"{time.time():010.0f}.{socket.gethostname()}.{os.getpid()}.{next(_NUMBERS)}"
        self._records = RecordWriter((folder / f"events.out.tfevents.{unique}").open("xb"))
        self._add(Event(file_version=_VERSION))
        if first_step is not None:
            self._add(Event(step=first_step, file_version=_VERSION))
            self._add(Event(step=first_step, session_log=SessionLog(status=SessionLog.START)))
        self._flush()

    def add_scalars(self, values: dict[str, float], step: int) -> None:
        """values: by tag."""
        for tag, value in values.items():
            self._add(Event(step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])))
        self._flush()

    def close(self) -> None:
        """May be called twice."""
        self._records.close()

    def _flush(self) -> None:
        try:
            self._records.flush()
        except OSError:
            with contextlib.suppress(
                OSError
            ):  # else the garbage collector tries it once more, and prints what it meets
                self._records.close()
            raise

    def _add(self, event: Event) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())
