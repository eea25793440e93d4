"""torchvision's classification models by name, without weights, for any number of channels.

Shape legend: B batch, C channels, H height, W width, K outputs.
"""

from collections.abc import Sequence
from functools import cache

from torch import nn

from naiad.errors import NetworkError, OptionError, nearest
from naiad.trainer.nets.options import at_least, image_shape

PREFIX = "torchvision/"


@cache
def model_names() -> tuple[str, ...]:
    """``resnet18`` and the like, sorted."""
    import torchvision  # noqa: PLC0415  # reason: takes a second to load and few networks need it

    return tuple(sorted(torchvision.models.list_models(module=torchvision.models)))


def build(model: str, input_shape: Sequence[int], outputs: int) -> nn.Module:
    """float32 (B, C, H, W) in, logits (B, K) out; the first convolution takes the data's C.

    Raises OptionError for an unknown ``model``, NetworkError when it does not take images of the data's size.
    """
    import torchvision  # noqa: PLC0415  # reason: as above

    if model not in model_names():
        raise OptionError(f"torchvision has no classification model {model!r}", hint=_nearest_model(model))
    channels, _, _ = image_shape(input_shape, PREFIX + model)
    net: nn.Module = torchvision.models.get_model(model, **_options(model, input_shape, outputs))
    if channels != 3:
        _adapt_first_convolution(net, channels)
    return net


def _options(model: str, input_shape: Sequence[int], outputs: int) -> dict[str, object]:
    options: dict[str, object] = {"weights": None, "num_classes": at_least("outputs", outputs, 1)}
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
            f"{PREFIX}{model} takes square images whose side is a multiple of {patch}, the data has {height}×{width}",
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


def _nearest_model(model: str) -> str:
    phrase = nearest(model, model_names())
    return phrase if phrase.startswith("did you mean") else "naiad nets lists them"
