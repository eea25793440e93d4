"""Cleans raw data: checks every split, repairs or quarantines what is broken, and reports everything it finds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.cleaning.arrays import clean_array
from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit
from naiad.trainer.data.cleaning.digests import digest_samples
from naiad.trainer.data.cleaning.duplicates import drop_shared_samples, find_duplicates
from naiad.trainer.data.cleaning.encoded_items import encode_items, first_samples
from naiad.trainer.data.cleaning.image_headers import choose_image_shape, read_headers
from naiad.trainer.data.cleaning.image_scale import choose_image_scale
from naiad.trainer.data.cleaning.images import decode_images
from naiad.trainer.data.cleaning.label_checks import drop_missing_labels
from naiad.trainer.data.cleaning.named_columns import align_columns
from naiad.trainer.data.cleaning.table_splits import clean_table_splits
from naiad.trainer.data.dataset import InputSchema, Samples, TensorSamples
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.features.deep_image import DeepImageSchema
from naiad.trainer.data.features.image import ImageSchema
from naiad.trainer.data.features.tokens import TokenSchema
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.layout import Layout
from naiad.trainer.data.pixels import ImageShape
from naiad.trainer.data.scale import SMALL, ValueRange, measure_range
from naiad.trainer.data.sources.raw_data import InputKind, RawData

_LARGEST_TOKEN = 2**31 - 1
"""Bound of token ids where they are streamed and the network has no Embedding."""


@dataclass(frozen=True)
class CleanedData:
    """Cleaned splits of one schema; the labels are still as the source gives them."""

    splits: Mapping[str, CleanedSplit]
    schema: InputSchema
    findings: Findings


def clean(
    raw: RawData, *, image_size: tuple[int, int] | None, memory_limit_bytes: int, schema: InputSchema | None = None
) -> CleanedData:
    """Raises DataError.

    image_size: (height, width); None takes the size that most training images have. memory_limit_bytes: images that need
    more are streamed. schema: that of a trained model; None infers it from the training split.
    """
    if image_size is not None and raw.kind not in (InputKind.IMAGES, InputKind.PIL_IMAGES):
        raise DataError(
            f"image_size is set, but {raw.name} is of kind {raw.kind}, which is not resized",
            hint="leave image_size out",
        )
    raw = align_columns(raw, schema)
    cleaned = _clean_inputs(raw, image_size, memory_limit_bytes, schema)
    splits, findings = {}, raw.findings + cleaned.findings
    for name, split in cleaned.splits.items():
        splits[name], label_findings = drop_missing_labels(split, split=name, labels_required=raw.labels_required)
        findings += label_findings
    if not len(splits["train"]):
        raise DataError(f"{raw.name} has no usable training sample left after cleaning", hint="see `naiad inspect`")
    others = {name: split for name, split in splits.items() if name != "train"}
    splits["train"], shared_findings = drop_shared_samples(splits["train"], others)
    return CleanedData(splits, cleaned.schema, findings + shared_findings + find_duplicates(splits["train"]))


def _clean_inputs(
    raw: RawData, image_size: tuple[int, int] | None, memory_limit_bytes: int, schema: InputSchema | None
) -> CleanedData:
    if raw.kind is InputKind.TABLE:
        splits, table_schema, findings = clean_table_splits(raw, schema)
        return CleanedData(splits, table_schema, findings)
    if raw.kind is InputKind.PIL_IMAGES:
        return _clean_images(raw, image_size, memory_limit_bytes, schema)
    if raw.kind is InputKind.DATASET_ITEMS:
        return _clean_dataset_items(raw, schema)
    return _clean_tensors(raw, image_size, schema)


def _clean_images(
    raw: RawData, image_size: tuple[int, int] | None, memory_limit_bytes: int, schema: InputSchema | None
) -> CleanedData:
    if schema is not None and not isinstance(schema, ImageSchema | DeepImageSchema):
        raise DataError(
            f"{raw.name} holds images, but the model was trained on arrays of shape {schema.sample_shape}, "
            "whose scale an image does not say",
            hint="give the Dataset or arrays as in training, or train on the image files themselves",
        )
    headers = {name: read_headers(split.inputs) for name, split in raw.splits.items()}
    if schema is not None:
        shape, findings = schema.image_shape, Findings()
    else:
        shape, findings = choose_image_shape(headers["train"], image_size)
        shape, scale_findings = choose_image_scale(shape, raw.splits["train"].inputs, headers["train"])
        findings += scale_findings
    total_bytes = shape.image_bytes * sum(len(split) for split in raw.splits.values())
    is_deterministic = all(split.inputs.is_deterministic for split in raw.splits.values())
    in_memory = is_deterministic and total_bytes <= memory_limit_bytes
    splits = {}
    for name, split in raw.splits.items():
        splits[name], image_findings = decode_images(split, headers[name], shape, split=name, in_memory=in_memory)
        findings += image_findings
    trained = schema or _image_schema(shape, splits["train"].samples)
    if isinstance(trained, DeepImageSchema):
        _check_deep_scale(trained, [split for name, split in splits.items() if schema is not None or name != "train"])
    return CleanedData(splits, trained, findings)


def _check_deep_scale(schema: DeepImageSchema, splits: Iterable[CleanedSplit]) -> None:
    for split in splits:
        if len(split):
            schema.check_scale(_known_values(split.samples))


def _known_values(samples: Samples) -> Tensor:
    """Returns all samples where they are in memory, else some."""
    return samples.tensor if isinstance(samples, TensorSamples) else first_samples(samples)


def _image_schema(shape: ImageShape, samples: Samples) -> InputSchema:
    if shape.depth is not None:
        values = _known_values(samples)
        value_range = measure_range(values.numpy()) if len(values) == len(samples) else None
        return DeepImageSchema(shape.height, shape.width, shape.depth, shape.offset, value_range)
    return ImageSchema(*shape.chw, shape.background)


def _clean_dataset_items(raw: RawData, schema: InputSchema | None) -> CleanedData:
    """Checks shapes and scale only: the items are random, or too many to read them here."""
    items, is_trained = raw.splits["train"].inputs, schema is not None
    if schema is None:
        _check_shapes({name: split.inputs.sample_shape for name, split in raw.splits.items()})
        schema = _infer_tensor_schema(raw, items.sample_shape, items.dtype)
    splits = {}
    for name, split in raw.splits.items():
        inputs = encode_items(split.inputs, schema) if is_trained or name != "train" else split.inputs
        splits[name] = CleanedSplit(inputs, split.targets, split.names, None, split.weights)
    return CleanedData(splits, schema, Findings())


def _clean_tensors(raw: RawData, image_size: tuple[int, int] | None, schema: InputSchema | None) -> CleanedData:
    splits, findings = {}, Findings()
    schema = schema if schema is not None else _infer_schema(raw, image_size)
    for name, split in raw.splits.items():
        values: Tensor = split.inputs
        if raw.kind is InputKind.ARRAYS and not isinstance(schema, ImageSchema):
            values, array_findings = clean_array(split, split=name)
            findings += array_findings
        is_encoded = tuple(values.shape[1:]) == schema.sample_shape and values.dtype is schema.dtype
        if not is_encoded or isinstance(schema, DeepImageSchema):
            values = schema.encode(values)
        elif isinstance(schema, ArraySchema | ImageSchema):
            schema.check_scale(values)
        digests = digest_samples(values)
        splits[name] = CleanedSplit(TensorSamples(values), split.targets, split.names, digests, split.weights)
    return CleanedData(splits, schema, findings)


def _infer_schema(raw: RawData, image_size: tuple[int, int] | None) -> InputSchema:
    train: Tensor = raw.splits["train"].inputs
    if raw.kind is InputKind.IMAGES and image_size is not None:
        height, width = image_size
        return ImageSchema(train.shape[1], height, width, top=_small_top(train))
    if raw.kind is not InputKind.IMAGES:
        _check_shapes({name: split.inputs.shape[1:] for name, split in raw.splits.items()})
    return _infer_tensor_schema(raw, train.shape[1:], train.dtype)


def _infer_tensor_schema(raw: RawData, shape: torch.Size, dtype: torch.dtype) -> InputSchema:
    if 0 in shape:
        raise DataError(
            f"samples of shape {tuple(shape)} have no value", hint="give samples without an axis of length 0"
        )
    inputs, layout = raw.splits["train"].inputs, raw.layout
    if dtype is torch.uint8:
        channels, height, width = shape
        return ImageSchema(channels, height, width, top=_small_top(inputs) if isinstance(inputs, Tensor) else None)
    if dtype is torch.int64:
        largest = int(inputs.max()) if isinstance(inputs, Tensor) else _LARGEST_TOKEN - 1
        return TokenSchema(tuple(shape), layout.token_count if layout.token_count is not None else largest + 1)
    return ArraySchema(
        tuple(shape),
        is_sequence=layout.layout is Layout.SEQUENCE,
        feature_axis=layout.feature_axis,
        value_range=_infer_range(inputs),
        columns=raw.splits["train"].column_names,
    )


def _infer_range(inputs: Tensor | Samples) -> ValueRange | None:
    """Returns the range of the values; None for streamed items that look like small whole numbers, as others may be pixels."""
    value_range = measure_range(first_samples(inputs).numpy())
    if not isinstance(inputs, Tensor) and value_range is not None and value_range.is_whole and value_range.is_small:
        return None
    return value_range


def _small_top(images: Tensor) -> int | None:
    """Returns the largest pixel of images that are not of 0…255, as binary ones are; None for all others."""
    top = int(images.max()) if images.numel() else 0
    return top if 0 < top <= SMALL else None


def _check_shapes(shapes: Mapping[str, torch.Size]) -> None:
    for name, shape in shapes.items():
        if shape != shapes["train"]:
            raise DataError(
                f"{name} has samples of shape {tuple(shape)}, but train has {tuple(shapes['train'])}",
                hint="give splits whose samples have one shape",
            )
