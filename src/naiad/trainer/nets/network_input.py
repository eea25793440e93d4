"""Finds what a network takes before the data are prepared: by its layers, and by trying it on two samples.

A class or a file is instantiated for that, and the instance thrown away. Nothing that is tried leaves a trace.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from naiad.trainer.data.layout import Layout
from naiad.trainer.machine.seeding import RandomState
from naiad.trainer.nets.check import preserve_state
from naiad.trainer.nets.copies import CopyError, copy_network
from naiad.trainer.nets.network_file import instantiate, is_file_reference, load_network_file

_SEQUENCE_LAYERS = (
    nn.RNNBase,
    nn.Conv1d,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
    nn.Transformer,
)
_IMAGE_LAYERS = (nn.Conv2d, nn.BatchNorm2d, nn.InstanceNorm2d)
_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


class NetworkInput:
    """Input of a network that the caller gives: a module, its class, or ``file.py:Class``."""

    def __init__(self, net: nn.Module | type[nn.Module] | str) -> None:
        self._net = net

    def takes(self, inputs: Tensor) -> bool:
        """Whether a forward pass of ``inputs`` (B, …) gives (B,), (B, K), or for an autoencoder its input's shape."""
        with _disposable(self._module) as module:
            if module is None:
                return True
            with preserve_state(module), torch.no_grad():
                try:
                    output = module(inputs)
                except Exception:  # noqa: BLE001  # reason: the network's code may raise anything
                    return False
        if not isinstance(output, Tensor) or not output.is_floating_point() or not output.ndim:
            return False
        return len(output) == len(inputs) and (output.ndim <= 2 or output.shape == inputs.shape)

    def preferred_layout(self) -> Layout | None:
        """Returns the layout that the first decisive layer takes; None where no layer decides."""
        for module in self._module.modules():
            if isinstance(module, _EMBEDDINGS):
                return Layout.TOKENS
            if isinstance(module, _SEQUENCE_LAYERS):
                return Layout.SEQUENCE
            if isinstance(module, _IMAGE_LAYERS):
                return Layout.IMAGE
        return None

    def feature_axis(self, shape: tuple[int, ...]) -> int:
        """Returns the axis of the features in a sequence: that of the channels where a Conv1d comes first, else the last."""
        first = next((module for module in self._module.modules() if isinstance(module, _SEQUENCE_LAYERS)), None)
        is_channels_first = isinstance(first, nn.Conv1d) and first.in_channels in (0, shape[0])
        return 0 if is_channels_first else len(shape) - 1

    def token_count(self) -> int | None:
        """Returns the number of ids that its largest Embedding has; None where it has no Embedding."""
        counts = [module.num_embeddings for module in self._module.modules() if isinstance(module, _EMBEDDINGS)]
        return max(counts, default=None)

    def describe(self) -> str:
        """Returns the network's class and its first layer, as text."""
        layers = [module for module in self._module.modules() if any(True for _ in module.parameters(recurse=False))]
        first = f", whose first layer is {layers[0]}" if layers and layers[0] is not self._module else ""
        return f"{type(self._module).__name__}{first}"

    @cached_property
    def _module(self) -> nn.Module:
        if isinstance(self._net, nn.Module):
            return self._net
        random_state = RandomState.capture()
        try:
            return load_network_file(self._net)[0] if isinstance(self._net, str) else instantiate(self._net)
        finally:
            random_state.restore()


def describe_network_input(net: object) -> NetworkInput | None:
    """Returns None for a network that is made to fit the data: one with a name, or none."""
    if isinstance(net, nn.Module) or (isinstance(net, type) and issubclass(net, nn.Module)):
        return NetworkInput(net)
    return NetworkInput(net) if isinstance(net, str) and is_file_reference(net) else None


@contextmanager
def _disposable(module: nn.Module) -> Iterator[nn.Module | None]:
    """Yields the module, or a copy where a pass would give lazy layers their sizes; None where it cannot be copied."""
    if not any(is_lazy(tensor) for tensor in (*module.parameters(), *module.buffers())):
        yield module
        return
    try:
        copy = copy_network(module)
    except CopyError:
        yield None
        return
    yield copy
