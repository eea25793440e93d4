"""Infers the layout of arrays where the user sets none: by what the network takes, else by the default.

The default stays wherever the network takes it, but for whole numbers and an Embedding. Else the layouts that the data may have
are tried on the network, one after the other.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.layout import InputLayout, Layout, is_channels_last, is_whole, lay_out, undo_layout
from naiad.trainer.data.sources.arrays import apply_layout
from naiad.trainer.data.sources.raw_data import InputKind, RawData, RawSplit
from naiad.trainer.machine.seeding import RandomState

_ARRAY_KINDS = (InputKind.IMAGES, InputKind.ARRAYS, InputKind.TOKENS, InputKind.DATASET_ITEMS)
_TRIAL_SAMPLES = 2


class NetworkInput(Protocol):
    """Input of the network that is to be trained, as far as its layers tell."""

    def takes(self, inputs: Tensor) -> bool:
        """Whether a forward pass of ``inputs`` (B, …) gives one output a sample."""

    def preferred_layout(self) -> Layout | None:
        """Returns the layout that the first decisive layer takes; None where no layer decides."""

    def feature_axis(self, shape: tuple[int, ...]) -> int:
        """Returns the axis of the features in a sequence of this shape."""

    def token_count(self) -> int | None:
        """Returns the number of ids that its largest Embedding has; None where it has no Embedding."""

    def describe(self) -> str:
        """Returns the network's class and its first layer, as text."""


def set_layout(raw: RawData, layout: Layout | None, network: NetworkInput | None) -> RawData:
    """Returns the data in the layout that the user sets, else in the one that the network takes. Raises DataError."""
    if raw.kind not in _ARRAY_KINDS:
        return raw
    findings = Findings()
    if layout is None and network is not None:
        layout, findings = _choose_layout(raw, network)
    if layout is None:
        return raw
    laid_out = apply_layout(raw, InputLayout(layout))
    shape = tuple(_shape_of(laid_out.splits["train"]))
    details = InputLayout(layout, _feature_axis(layout, shape, network), _token_count(layout, network))
    if details.token_count is not None:
        _check_token_ids(laid_out, details.token_count)
    return replace(laid_out, layout=details, findings=laid_out.findings + findings)


def _choose_layout(raw: RawData, network: NetworkInput) -> tuple[Layout | None, Findings]:
    """Returns None for the default, else the layout and what is said of it."""
    train = raw.splits["train"]
    given_shape = train.given_shape
    if given_shape is None or not len(train):
        return None, Findings()
    inputs = undo_layout(_trial_samples(train), given_shape)
    if not inputs.numel():
        return None, Findings()
    chosen = _layout_that_is_taken(inputs, _candidates(inputs), network, train)
    if chosen is None:
        return None, Findings()
    shape = ", ".join(map(str, given_shape))
    kind = {Layout.TOKENS: "token ids", Layout.SEQUENCE: "sequences"}[chosen]
    message = f"samples of shape ({shape}) are given as {kind} to {network.describe()}; as_= sets another layout"
    return chosen, Findings((Finding("input-layout", "train", len(train), Action.REPORTED, message),))


def _layout_that_is_taken(
    inputs: Tensor, candidates: Sequence[Layout], network: NetworkInput, train: RawSplit
) -> Layout | None:
    """Returns None where the default is taken. An Embedding that comes first gets ids, also where ``forward`` casts floats."""

    def is_taken(layout: Layout | None) -> bool:
        return network.takes(_network_inputs(lay_out(inputs, layout)))

    if not candidates:
        return None
    preferred = network.preferred_layout()
    if (
        preferred is Layout.TOKENS
        and preferred in candidates
        and _are_ids(train, network.token_count())
        and is_taken(Layout.TOKENS)
    ):
        return Layout.TOKENS
    if is_taken(None):
        return None
    taken = next((layout for layout in candidates if is_taken(layout)), None)
    return preferred if taken is None and preferred in candidates else taken


def _candidates(inputs: Tensor) -> Sequence[Layout]:
    """Returns the layouts that samples of this shape may have besides the default."""
    layouts = []
    if inputs.ndim <= 3 and is_whole(inputs) and float(inputs.min()) >= 0:
        layouts.append(Layout.TOKENS)
    if inputs.ndim == 3 or (inputs.ndim == 4 and is_channels_last(inputs.shape[1:])):
        layouts.append(Layout.SEQUENCE)
    return layouts


def _are_ids(train: RawSplit, token_count: int | None) -> bool:
    """Whether all inputs may be ids of an Embedding; for inputs that are streamed, it is not known and taken for granted."""
    values = train.inputs
    if not isinstance(values, Tensor):
        return True
    is_in_range = float(values.min()) >= 0 and (token_count is None or float(values.max()) < token_count)
    return is_in_range and is_whole(values)


def _trial_samples(split: RawSplit) -> Tensor:
    """Returns the first samples; reading them leaves the global generators as they were."""
    indices = torch.arange(min(_TRIAL_SAMPLES, len(split)))
    if isinstance(split.inputs, Tensor):
        return split.inputs.index_select(0, indices)
    random_state = RandomState.capture()
    taken: Tensor = split.inputs.take(indices)
    random_state.restore()
    return taken


def _network_inputs(values: Tensor) -> Tensor:
    """Returns what the features module would give, but for the scale: floats, and token ids as they are."""
    return values if values.dtype is torch.int64 else values.to(torch.float32)


def _shape_of(split: RawSplit) -> Sequence[int]:
    return split.inputs.shape[1:] if isinstance(split.inputs, Tensor) else split.inputs.sample_shape


def _feature_axis(layout: Layout, shape: tuple[int, ...], network: NetworkInput | None) -> int:
    if layout is not Layout.SEQUENCE:
        return 0
    return len(shape) - 1 if network is None else network.feature_axis(shape)


def _token_count(layout: Layout, network: NetworkInput | None) -> int | None:
    return network.token_count() if layout is Layout.TOKENS and network is not None else None


def _check_token_ids(raw: RawData, token_count: int) -> None:
    for name, split in raw.splits.items():
        if not isinstance(split.inputs, Tensor) or not split.inputs.numel():
            continue
        largest = int(split.inputs.max())
        if largest >= token_count:
            raise DataError(
                f"the token ids of {name} reach {largest}, but the network's Embedding has ids from 0 to {token_count - 1}",
                hint=f"make the Embedding with num_embeddings={largest + 1}",
            )
