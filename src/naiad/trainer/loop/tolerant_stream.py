"""A text stream for the progress of a run, which never ends the run.

A letter that the stream's encoding lacks is escaped. A stream that cannot be written any more, as a terminal that was closed or a
pipe without a reader, is left alone.
"""

from typing import Any, TextIO


class TolerantStream:
    """Has the methods of the stream that it stands for."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_gone = False

    def write(self, text: str) -> int:
        if not self._is_gone:
            try:
                self._write(text)
            except (OSError, ValueError):  # a closed file raises ValueError
                self._is_gone = True
        return len(text)

    def flush(self) -> None:
        if not self._is_gone:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._is_gone = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError as error:
            self._stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
