"""Builds torchvision's classification models by name, without pretrained weights, for any number of channels.

Shape legend: B batch, C channels, H height, W width, K outputs.
"""

from collections.abc import Sequence
from functools import cache

from torch import nn

from naiad.errors import NetworkError, OptionError, did_you_mean
from naiad.trainer.nets.options import check_at_least, check_image_shape

PREFIX = "torchvision/"


@cache
def model_names() -> tuple[str, ...]:
    """Returns the names of all classification models, sorted: ``resnet18`` and others."""
    import torchvision  # noqa: PLC0415  # reason: it takes a second to load, and few networks need it

    return tuple(sorted(torchvision.models.list_models(module=torchvision.models)))


def build_model(model: str, input_shape: Sequence[int], outputs: int) -> nn.Module:
    """Returns a model with float32 (B, C, H, W) in and logits (B, K) out; its first convolution takes the data's C.

    Raises OptionError for an unknown ``model``, NetworkError if it does not take images of the data's size.
    """
    import torchvision  # noqa: PLC0415  # reason: as above

    if model not in model_names():
        raise OptionError(f"torchvision has no classification model {model!r}", hint=_suggest(model))
    channels, _, _ = check_image_shape(input_shape, PREFIX + model)
    net: nn.Module = torchvision.models.get_model(model, **_model_options(model, input_shape, outputs))
    if channels != 3:
        _adapt_first_convolution(net, channels)
    return net


def _model_options(model: str, input_shape: Sequence[int], outputs: int) -> dict[str, object]:
    options: dict[str, object] = {"weights": None, "num_classes": check_at_least("outputs", outputs, 1)}
    if model in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": True}
    if model.startswith("vit_"):
        options["image_size"] = _square_side(model, input_shape)
    return options


def _square_side(model: str, input_shape: Sequence[int]) -> int:
    height, width = input_shape[1:]
    patch = int(model.rsplit("_", 1)[1])
    if height != width or height % patch:
        side = max(patch, round(max(height, width) / patch) * patch)
        raise NetworkError(
            f"{PREFIX}{model} takes square images whose side is a multiple of {patch}, but the data has {height}×{width}",
            hint=f"image_size={side} resizes them",
        )
    return int(height)


def _adapt_first_convolution(net: nn.Module, channels: int) -> None:
    name, first = next((name, module) for name, module in net.named_modules() if isinstance(module, nn.Conv2d))
    adapted = nn.Conv2d(
        channels,
        first.out_channels,
        kernel_size=_pair(first.kernel_size),
        stride=_pair(first.stride),
        padding=first.padding if isinstance(first.padding, str) else _pair(first.padding),
        dilation=_pair(first.dilation),
        bias=first.bias is not None,
        padding_mode=first.padding_mode,
    )
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, adapted)


def _pair(sizes: tuple[int, ...]) -> tuple[int, int]:
    height, width = sizes
    return height, width


def _suggest(model: str) -> str:
    phrase = did_you_mean(model, model_names())
    return phrase if phrase.startswith("did you mean") else "`naiad nets` lists them"
