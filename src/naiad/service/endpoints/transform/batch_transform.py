"""Batch transform: sends a folder of files through a model, and writes ``<name>.out`` for each.

Files are read and written piece by piece, so that memory does not grow with them.
"""

import asyncio
import contextlib
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO

from naiad.errors import OptionError, TrainingError
from naiad.service.endpoints.transform.payloads import Payload, read_payloads
from naiad.service.endpoints.transform.records import join_lines, make_output_line, split_answers
from naiad.service.endpoints.transform.settings import TransformSettings
from naiad.service.endpoints.worker.handler_port import BatchHandler, PassthroughHandler
from naiad.service.endpoints.worker.inference import (
    InferenceError,
    InferenceRequest,
    InferenceResponse,
    ModelProcessExited,
    error_response,
)

_MODEL_FAILED = 424


async def transform_folder(
    handler: BatchHandler | PassthroughHandler, settings: TransformSettings, source: Path, target: Path
) -> int:
    """Returns the number of files. Raises TrainingError with the file, the record and the model's message."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for file in files:
        name = file.relative_to(source)
        out = target / name.with_name(f"{name.name}.out")
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _open_input(file, settings) as records, out.open("wb") as answers:
                await _transform_file(handler, settings, records, answers)
        except (OptionError, TrainingError) as error:
            raise TrainingError(f"{name}: {error}") from error
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise TrainingError(f"{name} cannot be read: {error}") from error
    return len(files)


async def _transform_file(
    handler: BatchHandler | PassthroughHandler, settings: TransformSettings, records: IO[bytes], answers: IO[bytes]
) -> None:
    payloads = read_payloads(records, settings)
    count = settings.max_concurrent_transforms if isinstance(handler, PassthroughHandler) else handler.max_batch_size
    while group := list(islice(payloads, count)):
        requests = [
            InferenceRequest(one.body, settings.content_type, settings.accept, timeout_s=settings.timeout_s)
            for one in group
        ]
        responses = await _send_with_retries(handler, requests, settings.max_retries)
        for payload, response in zip(group, responses, strict=True):
            body = await _read_body(response)
            answers.write(_make_output(payload, response.status, body, settings))


async def _send_with_retries(
    handler: BatchHandler | PassthroughHandler, requests: Sequence[InferenceRequest], max_retries: int
) -> list[InferenceResponse]:
    responses = await _send(handler, requests)
    for _ in range(max_retries):
        failed = [at for at, response in enumerate(responses) if response.status == _MODEL_FAILED]
        repeated = await _send(handler, [requests[at] for at in failed]) if failed else []
        for at, response in zip(failed, repeated, strict=True):
            responses[at] = response
    return responses


async def _send(
    handler: BatchHandler | PassthroughHandler, requests: Sequence[InferenceRequest]
) -> list[InferenceResponse]:
    if isinstance(handler, PassthroughHandler):
        return list(await asyncio.gather(*(_pass_on(handler, request) for request in requests)))
    return handler.handle(requests)


async def _pass_on(handler: PassthroughHandler, request: InferenceRequest) -> InferenceResponse:
    """Returns a complete response; a stream that breaks off is a failure of the model."""
    try:
        response = await handler.handle(request)
        return replace(response, body=await _read_body(response))
    except (ModelProcessExited, InferenceError) as error:
        return error_response(_MODEL_FAILED, str(error))


async def _read_body(response: InferenceResponse) -> bytes:
    return b"".join([chunk async for chunk in response.chunks()])


def _make_output(payload: Payload, status: int, body: bytes, settings: TransformSettings) -> bytes:
    """Raises TrainingError when the model has failed, OptionError when answers do not match their records."""
    if status != 200:
        message = body.decode("utf-8", "replace")[:700]
        raise TrainingError(f"{payload.place}: the model answered {status}: {message}")
    if settings.processing.changes_output:
        answers = split_answers(body, len(payload.lines), settings.accept)
        pairs = zip(payload.lines, answers, strict=True)
        types = settings.content_type, settings.accept
        return join_lines([make_output_line(line, answer, *types, settings.processing) for line, answer in pairs])
    if settings.is_assembled_by_line and not body.endswith(b"\n"):
        return body + b"\n"
    return body


@contextlib.contextmanager
def _open_input(file: Path, settings: TransformSettings) -> Iterator[IO[bytes]]:
    if settings.is_gzip:
        with gzip.open(file, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]  # reason: it reads as a file does
        return
    with file.open("rb") as plain:
        yield plain
