"""Content types: an array from a request's bytes, and a response's bytes from scores.

Shape legend: N samples, K scores of a sample.
"""

import csv
import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from PIL import Image, UnidentifiedImageError

from naiad.errors import DataError
from naiad.service.endpoints.worker.array_formats import (
    array_from_json,
    parse_csv,
    parse_csv_array,
    parse_json,
    parse_json_lines,
    parse_npy,
    parse_raw,
)
from naiad.service.endpoints.worker.engines.port import Scores
from naiad.service.endpoints.worker.inference import InferenceError, InferenceRequest
from naiad.service.endpoints.worker.input_schema import (
    Array,
    DeepImageInput,
    ImageInput,
    InputSchema,
    TableInput,
    describe_expected,
)
from naiad.service.endpoints.worker.media_types import choose_media_type, parse_media_type
from naiad.service.endpoints.worker.table_rows import encode_csv_rows, encode_json_rows
from naiad.trainer.data.pixels import DECODE_ERRORS, OtherDepthError, to_array

JSON, JSON_LINES, CSV, NPY = "application/json", "application/jsonlines", "text/csv", "application/x-npy"
RAW = "application/octet-stream"
_JSON_LINES_TYPES = (JSON_LINES, "application/jsonl", "application/x-jsonlines", "application/x-jsonl")
_IMAGE_FORMATS = {
    "image/png": ("PNG",),
    "image/jpeg": ("JPEG",),
    "image/jpg": ("JPEG",),
    "application/x-image": ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"),
}
_RESPONSE_TYPES = (JSON, JSON_LINES, CSV, NPY, RAW, *_JSON_LINES_TYPES[1:])


@dataclass(frozen=True)
class OutputSchema:
    """Meaning of an artifact's scores."""

    task: str
    """classification, regression or clustering."""
    classes: tuple[str, ...]
    target_name: str


def decode(request: InferenceRequest, schema: InputSchema) -> Array:
    """Returns (N, *sample_shape) in the schema's dtype, N at least 1.

    Raises InferenceError: 400 for a body that does not fit, with what was given and the expected shape; 415 for an unknown type.
    """
    try:
        return _decode(request, schema)
    except InferenceError as error:
        expected = describe_expected(schema)
        if error.status != 400 or expected in str(error):
            raise
        kind = "rows of" if isinstance(schema, TableInput) else f"{schema.dtype} of shape"
        raise InferenceError(400, f"{error}; this model takes {kind} {expected}") from None


def _decode(request: InferenceRequest, schema: InputSchema) -> Array:
    name, parameters = parse_media_type(request.content_type)
    if name in (JSON, ""):
        values = _decode_json(parse_json(request.body), schema)
    elif name == RAW:
        values = parse_raw(request.body, schema.dtype, schema.sample_shape)
    elif name == NPY:
        values = schema.coerce(parse_npy(request.body))
    elif name in _IMAGE_FORMATS:
        values = _decode_image(request.body, _IMAGE_FORMATS[name], schema)
    elif name in _JSON_LINES_TYPES:
        values = _decode_json_lines(parse_json_lines(request.body), schema)
    elif name == CSV:
        values = _decode_csv(request.body, schema, dict(parameters).get("header", ""))
    else:
        known = ", ".join((JSON, JSON_LINES, CSV, NPY, RAW, *_IMAGE_FORMATS))
        raise InferenceError(415, f"the content type {name[:100]!r} is not supported; give {known}")
    if not len(values):
        raise InferenceError(400, f"the input has no samples: its shape is {values.shape}; give at least one sample")
    return values


def encode(scores: Scores, output: OutputSchema, accept: str) -> tuple[bytes, str]:
    """Returns (body, content type). scores: (N, K). Raises InferenceError 406."""
    content_type = choose_media_type(accept, _RESPONSE_TYPES)
    if content_type is None:
        offered = ", ".join(_RESPONSE_TYPES[:5])
        raise InferenceError(406, f"no type of Accept {accept[:100]!r} is supported; give one of {offered}")
    return _ENCODERS[content_type](scores, output), content_type


def predict_labels(scores: Scores, output: OutputSchema) -> list[Any]:
    """Returns (N,): class names, values, or cluster numbers, as ``Model.predict`` does."""
    if output.task == "regression":
        return [None if np.isnan(value) else value for value in scores[:, 0].tolist()]
    best = scores.argmax(axis=1).tolist()
    return [output.classes[index] for index in best] if output.task == "classification" else best


def _decode_json(value: Any, schema: InputSchema) -> Array:
    return encode_json_rows(value, schema) if isinstance(schema, TableInput) else schema.coerce(array_from_json(value))


def _decode_json_lines(values: list[Any], schema: InputSchema) -> Array:
    """Returns one sample a line."""
    if isinstance(schema, TableInput):
        return encode_json_rows(values, schema)
    samples = [schema.coerce(array_from_json(value)) for value in values]
    return np.concatenate(samples)


def _decode_csv(body: bytes, schema: InputSchema, header: str) -> Array:
    if isinstance(schema, TableInput):
        return encode_csv_rows(parse_csv(body), schema, header=header)
    return schema.coerce(parse_csv_array(body))


def _decode_image(body: bytes, formats: tuple[str, ...], schema: InputSchema) -> Array:
    """Returns one image in the model's size and mode, resized as in training."""
    if not isinstance(schema, ImageInput | DeepImageInput):
        raise InferenceError(400, "an image was given")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(body), formats=formats) as image:
            values = to_array(image, schema.image_shape)[np.newaxis]
    except OtherDepthError as error:
        raise InferenceError(400, str(error)) from None
    except DataError as error:
        raise InferenceError(400, f"the image is too large: {error}") from None
    except DECODE_ERRORS as error:
        # The text of an UnidentifiedImageError names an address in our memory.
        reason = "" if isinstance(error, UnidentifiedImageError) else f": {str(error)[:200]}"
        message = f"the body of {len(body):,} bytes is not a readable {' or '.join(formats)} image{reason}"
        raise InferenceError(400, message) from None
    except (MemoryError, RecursionError):
        raise InferenceError(400, "the image cannot be decoded: it needs too much memory") from None
    schema.check_scale(values)
    return values


def _encode_json(scores: Scores, output: OutputSchema) -> bytes:
    answer = {"labels": predict_labels(scores, output), "scores": np.ascontiguousarray(scores)}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def _encode_json_lines(scores: Scores, output: OutputSchema) -> bytes:
    rows = zip(predict_labels(scores, output), scores.tolist(), strict=True)
    return b"".join(orjson.dumps({"label": label, "scores": row}) + b"\n" for label, row in rows)


def _encode_csv(scores: Scores, output: OutputSchema) -> bytes:
    """Returns lines of label,score,score,…"""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    labels = predict_labels(scores, output)
    writer.writerows([label, *row] for label, row in zip(labels, scores.tolist(), strict=True))
    return file.getvalue().encode()


def _encode_npy(scores: Scores, _output: OutputSchema) -> bytes:
    file = io.BytesIO()
    np.save(file, scores, allow_pickle=False)
    return file.getvalue()


def _encode_raw(scores: Scores, _output: OutputSchema) -> bytes:
    return scores.astype(scores.dtype.newbyteorder("<")).tobytes()


_ENCODERS: Mapping[str, Callable[[Scores, OutputSchema], bytes]] = {
    JSON: _encode_json,
    CSV: _encode_csv,
    NPY: _encode_npy,
    RAW: _encode_raw,
    **dict.fromkeys(_JSON_LINES_TYPES, _encode_json_lines),
}
