"""From an invocation's bytes to an array, by their content type, and from scores to an answer.

Shape legend: N samples, K scores of a sample.
"""

import csv
import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from PIL import Image, UnidentifiedImageError

from naiad.errors import DataError
from naiad.service.endpoints.worker.array_formats import (
    array_of,
    csv_array,
    csv_rows,
    json_lines,
    json_value,
    npy_array,
    raw_array,
)
from naiad.service.endpoints.worker.inference import Invocation, Unfit
from naiad.service.endpoints.worker.input_schema import ImageSchema, Numbers, Schema, TableSchema, wanted_by
from naiad.service.endpoints.worker.media_types import accepted, media_type
from naiad.service.endpoints.worker.table_rows import slots_of_csv, slots_of_json
from naiad.trainer.data.pixels import DECODE_ERRORS, ImageShape, to_array

JSON, LINES, CSV, NPY = "application/json", "application/jsonlines", "text/csv", "application/x-npy"
RAW = "application/octet-stream"
_LINES = (LINES, "application/jsonl", "application/x-jsonlines", "application/x-jsonl")
_IMAGES = {
    "image/png": ("PNG",),
    "image/jpeg": ("JPEG",),
    "image/jpg": ("JPEG",),
    "application/x-image": ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"),
}
_OFFERED = (JSON, LINES, CSV, NPY, RAW, *_LINES[1:])


@dataclass(frozen=True)
class Described:
    """What the scores of an artifact mean."""

    task: str
    """classification, regression or clustering."""
    classes: tuple[str, ...]
    target_name: str


def decode(invocation: Invocation, schema: Schema) -> Numbers:
    """(N, *sample_shape) in the schema's dtype, N at least 1.

    Raises Unfit: 400 for what does not fit, with what was given and the shape that is wanted, 415 for another type.
    """
    try:
        return _decoded(invocation, schema)
    except Unfit as error:
        wanted = wanted_by(schema)
        if error.status != 400 or wanted in str(error):
            raise
        kind = "rows of" if isinstance(schema, TableSchema) else f"{schema.dtype} of shape"
        raise Unfit(400, f"{error}; this model takes {kind} {wanted}") from None


def _decoded(invocation: Invocation, schema: Schema) -> Numbers:
    name, parameters = media_type(invocation.content_type)
    if name in (JSON, ""):
        values = _of_json(json_value(invocation.body), schema)
    elif name == RAW:
        values = raw_array(invocation.body, schema.dtype, schema.sample_shape)
    elif name == NPY:
        values = schema.fit(npy_array(invocation.body))
    elif name in _IMAGES:
        values = _of_image(invocation.body, _IMAGES[name], schema)
    elif name in _LINES:
        values = _of_lines(json_lines(invocation.body), schema)
    elif name == CSV:
        values = _of_csv(invocation.body, schema, dict(parameters).get("header", ""))
    else:
        read = ", ".join((JSON, LINES, CSV, NPY, RAW, *_IMAGES))
        raise Unfit(415, f"the content type {name[:100]!r} is not read; give {read}")
    if not len(values):
        raise Unfit(
            400, f"there is nothing to predict: the input has the shape {values.shape}; give at least one sample"
        )
    return values


def encode(scores: npt.NDArray[np.float32], described: Described, accept: str) -> tuple[bytes, str]:
    """(body, content type). scores: (N, K). Raises Unfit 406."""
    kind = accepted(accept, _OFFERED)
    if kind is None:
        raise Unfit(406, f"none of {accept[:100]!r} can be given; there are {', '.join(_OFFERED[:5])}")
    return _ENCODERS[kind](scores, described), kind


def labels_of(scores: npt.NDArray[np.float32], described: Described) -> list[Any]:
    """(N,): class names, values, or cluster numbers, as ``Model.predict`` gives."""
    if described.task == "regression":
        return [None if np.isnan(value) else value for value in scores[:, 0].tolist()]
    nearest = scores.argmax(axis=1).tolist()
    return [described.classes[index] for index in nearest] if described.task == "classification" else nearest


def _of_json(value: Any, schema: Schema) -> Numbers:
    return slots_of_json(value, schema) if isinstance(schema, TableSchema) else schema.fit(array_of(value))


def _of_lines(values: list[Any], schema: Schema) -> Numbers:
    """A sample a line."""
    if isinstance(schema, TableSchema):
        return slots_of_json(values, schema)
    samples = [schema.fit(array_of(value)) for value in values]
    return np.concatenate(samples)


def _of_csv(body: bytes, schema: Schema, header: str) -> Numbers:
    if isinstance(schema, TableSchema):
        return slots_of_csv(csv_rows(body), schema, header=header)
    return schema.fit(csv_array(body))


def _of_image(body: bytes, formats: tuple[str, ...], schema: Schema) -> Numbers:
    """One image, brought to the model's size and mode as in training."""
    if not isinstance(schema, ImageSchema):
        raise Unfit(400, "an image was given")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(body), formats=formats) as image:
            return to_array(image, ImageShape(*schema.sample_shape))[np.newaxis]
    except DataError as error:
        raise Unfit(400, f"the image is too large: {error}") from None
    except DECODE_ERRORS as error:
        why = (
            "" if isinstance(error, UnidentifiedImageError) else f": {str(error)[:200]}"
        )  # whose words are of our memory
        said = f"the body of {len(body):,} bytes is no {' or '.join(formats)} image that can be read{why}"
        raise Unfit(400, said) from None
    except (MemoryError, RecursionError):
        raise Unfit(400, "the image cannot be read: it asks for too much memory") from None


def _as_json(scores: npt.NDArray[np.float32], described: Described) -> bytes:
    answer = {"labels": labels_of(scores, described), "scores": np.ascontiguousarray(scores)}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def _as_lines(scores: npt.NDArray[np.float32], described: Described) -> bytes:
    rows = zip(labels_of(scores, described), scores.tolist(), strict=True)
    return b"".join(orjson.dumps({"label": label, "scores": row}) + b"\n" for label, row in rows)


def _as_csv(scores: npt.NDArray[np.float32], described: Described) -> bytes:
    """label,score,score,…"""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([label, *row] for label, row in zip(labels_of(scores, described), scores.tolist(), strict=True))
    return file.getvalue().encode()


def _as_npy(scores: npt.NDArray[np.float32], _described: Described) -> bytes:
    file = io.BytesIO()
    np.save(file, scores, allow_pickle=False)
    return file.getvalue()


def _as_raw(scores: npt.NDArray[np.float32], _described: Described) -> bytes:
    return scores.astype("<f4").tobytes()


_ENCODERS: Mapping[str, Callable[[npt.NDArray[np.float32], Described], bytes]] = {
    JSON: _as_json,
    CSV: _as_csv,
    NPY: _as_npy,
    RAW: _as_raw,
    **dict.fromkeys(_LINES, _as_lines),
}
