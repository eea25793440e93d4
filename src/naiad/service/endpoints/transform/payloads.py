"""Payloads: the records of a file, packed into requests."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from naiad.errors import OptionError
from naiad.service.endpoints.transform.records import filter_input, join_lines
from naiad.service.endpoints.transform.settings import TransformSettings

_MAX_LINE_BYTES = 100 * 2**20 + 1
"""One byte more than a payload may have, so that a longer line is refused and never cut."""
_MAX_RECORDS = 32


@dataclass(frozen=True)
class _Record:
    number: int
    """Number in its file, from 1."""
    line: bytes
    body: bytes
    """Part of the line that the model gets."""


@dataclass(frozen=True)
class Payload:
    """Body of a request, and the records that are in it."""

    first_number: int
    lines: tuple[bytes, ...]
    body: bytes

    @property
    def place(self) -> str:
        """Numbers of the records, for a message."""
        last_number = self.first_number + len(self.lines) - 1
        if last_number == self.first_number:
            return f"record {self.first_number}"
        return f"records {self.first_number} to {last_number}"


def read_payloads(file: IO[bytes], settings: TransformSettings) -> Iterator[Payload]:
    """Yields payloads no larger than allowed. Raises OptionError for a record, or a whole file, that is."""
    if settings.is_split_by_line:
        yield from _pack(_read_records(file, settings), settings)
        return
    body = file.read(settings.max_payload_bytes + 1)
    if len(body) > settings.max_payload_bytes:
        raise OptionError(
            f"it is larger than MaxPayloadInMB, {settings.max_payload_bytes:,} bytes; give more, or SplitType Line"
        )
    yield Payload(1, (body,), body)


def _pack(records: Iterable[_Record], settings: TransformSettings) -> Iterator[Payload]:
    """Yields as many records a payload as fit; one alone unless the request takes several."""
    max_records = _MAX_RECORDS if settings.is_multi_record else 1
    size, packed = 0, list[_Record]()
    for record in records:
        if len(record.body) > settings.max_payload_bytes:
            limit = f"{settings.max_payload_bytes:,} bytes"
            raise OptionError(f"record {record.number} is larger than MaxPayloadInMB, {limit}")
        if packed and (len(packed) == max_records or size + len(record.body) > settings.max_payload_bytes):
            yield _make_payload(packed)
            size, packed = 0, []
        packed.append(record)
        size += len(record.body) + 1
    if packed:
        yield _make_payload(packed)


def _make_payload(records: list[_Record]) -> Payload:
    bodies = [record.body for record in records]
    body = bodies[0] if len(bodies) == 1 else join_lines(bodies)
    return Payload(records[0].number, tuple(record.line for record in records), body)


def _read_records(file: IO[bytes], settings: TransformSettings) -> Iterator[_Record]:
    """Yields a record for each line that is not empty."""
    number = 0
    while line := file.readline(_MAX_LINE_BYTES):
        line = line.rstrip(b"\r\n")
        if line.strip():
            number += 1
            body = filter_input(line, settings.content_type, settings.processing.input_filter)
            yield _Record(number, line, body)
