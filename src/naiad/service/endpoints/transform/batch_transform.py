"""Sends a folder of files through a model, and writes an answer file beside each name: ``<name>.out``.

Files are read and written as they come, so that memory does not grow with them.
"""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO

from naiad.errors import OptionError, TrainingError
from naiad.service.endpoints.transform.records import answers_of, packed, processed, taken
from naiad.service.endpoints.transform.settings import TransformSettings
from naiad.service.endpoints.worker.inference import Answer, BatchHandler, Gone, Invocation, OneHandler, Unfit

_LONGEST_LINE = 100 * 2**20
_FAILED = 424
_MOST_RECORDS = 32
"""Of a request, at most."""


@dataclass(frozen=True)
class _Payload:
    """A request: the records that are in it, numbered from 1 in their file."""

    first: int
    records: tuple[bytes, ...]
    body: bytes


async def transform(handler: BatchHandler | OneHandler, settings: TransformSettings, source: Path, target: Path) -> int:
    """How many files. Raises TrainingError with the file, the record and the model's words."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for file in files:
        name = file.relative_to(source)
        out = target / name.with_name(f"{name.name}.out")
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _opened(file, settings) as lines, out.open("wb") as written:
                await _transform_file(handler, settings, lines, written)
        except (OptionError, TrainingError) as error:
            raise TrainingError(f"{name}: {error}") from error
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise TrainingError(f"{name} cannot be read: {error}") from error
    return len(files)


async def _transform_file(
    handler: BatchHandler | OneHandler, settings: TransformSettings, lines: IO[bytes], out: IO[bytes]
) -> None:
    payloads = _payloads(lines, settings)
    count = settings.concurrency if isinstance(handler, OneHandler) else handler.most_samples
    while group := list(islice(payloads, count)):
        invocations = [
            Invocation(one.body, settings.content_type, settings.accept, timeout_s=settings.timeout_s) for one in group
        ]
        for payload, answer in zip(group, await _answers(handler, invocations, settings.retries), strict=True):
            out.write(_output(payload, answer, settings))


async def _answers(handler: BatchHandler | OneHandler, invocations: Sequence[Invocation], retries: int) -> list[Answer]:
    answers = await _asked(handler, invocations)
    for _ in range(retries):
        failed = [at for at, answer in enumerate(answers) if answer.status == _FAILED]
        again = await _asked(handler, [invocations[at] for at in failed]) if failed else []
        for at, answer in zip(failed, again, strict=True):
            answers[at] = answer
    return answers


async def _asked(handler: BatchHandler | OneHandler, invocations: Sequence[Invocation]) -> list[Answer]:
    if isinstance(handler, OneHandler):
        return list(await asyncio.gather(*(_passed_on(handler, one) for one in invocations)))
    return handler.answer(invocations)


async def _passed_on(handler: OneHandler, invocation: Invocation) -> Answer:
    try:
        answer = await handler.answer(invocation)
        if isinstance(answer.body, AsyncGenerator):
            return replace(answer, body=b"".join([part async for part in answer.body]))
    except (Gone, Unfit) as error:
        return Answer(424, str(error).encode("utf-8", "replace"), "text/plain")
    return answer


def _output(payload: _Payload, answer: Answer, settings: TransformSettings) -> bytes:
    assert not isinstance(answer.body, AsyncGenerator)
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    if answer.status != 200:
        last = payload.first + len(payload.records) - 1
        where = f"record {payload.first}" if last == payload.first else f"records {payload.first} to {last}"
        raise TrainingError(f"{where}: the model answered {answer.status}: {body.decode('utf-8', 'replace')[:700]}")
    if settings.processing.is_needed:
        answers = answers_of(body, len(payload.records), settings.accept)
        pairs = zip(payload.records, answers, strict=True)
        return packed(
            [
                processed(record, one, settings.content_type, settings.accept, settings.processing)
                for record, one in pairs
            ]
        )
    if settings.assembles_lines and not body.endswith(b"\n"):
        return body + b"\n"
    return body


def _payloads(lines: IO[bytes], settings: TransformSettings) -> Iterator[_Payload]:
    if not settings.by_line:
        body = lines.read(settings.most_payload_bytes + 1)
        if len(body) > settings.most_payload_bytes:
            raise OptionError(
                f"it is larger than MaxPayloadInMB, {settings.most_payload_bytes:,} bytes; give more, or SplitType Line"
            )
        yield _Payload(1, (body,), body)
        return
    yield from _packed_payloads(_records(lines, settings), settings)


def _packed_payloads(records: Iterable[tuple[int, bytes, bytes]], settings: TransformSettings) -> Iterator[_Payload]:
    """As many records as fit; one alone in each where that is asked for."""
    most = _MOST_RECORDS if settings.is_multi else 1
    first, size = 0, 0
    held: list[bytes] = []
    bodies: list[bytes] = []
    for number, record, body in records:
        if len(body) > settings.most_payload_bytes:
            raise OptionError(f"record {number} is larger than MaxPayloadInMB, {settings.most_payload_bytes:,} bytes")
        if held and (len(held) == most or size + len(body) > settings.most_payload_bytes):
            yield _payload(first, held, bodies)
            held, bodies, size = [], [], 0
        first = first if held else number
        held.append(record)
        bodies.append(body)
        size += len(body) + 1
    if held:
        yield _payload(first, held, bodies)


def _payload(first: int, records: list[bytes], bodies: list[bytes]) -> _Payload:
    return _Payload(first, tuple(records), bodies[0] if len(bodies) == 1 else packed(bodies))


def _records(lines: IO[bytes], settings: TransformSettings) -> Iterator[tuple[int, bytes, bytes]]:
    """(number, the line, what the model is to see of it); empty lines are passed over."""
    number = 0
    while line := lines.readline(_LONGEST_LINE):
        line = line.rstrip(b"\r\n")
        if line.strip():
            number += 1
            yield number, line, taken(line, settings.content_type, settings.processing.input_filter)


@contextlib.contextmanager
def _opened(file: Path, settings: TransformSettings) -> Iterator[IO[bytes]]:
    if settings.is_gzip:
        with gzip.open(file, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]  # reason: it reads as a file does
        return
    with file.open("rb") as plain:
        yield plain
