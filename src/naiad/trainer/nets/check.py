"""Checks on two samples, before training, that a network takes the data, gives what the task needs, and can be trained."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from naiad.errors import NetworkError, OptionError, explain_errors
from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.machine.seeding import RandomState
from naiad.trainer.nets.batch_axis import check_batch_axis
from naiad.trainer.nets.id_check import check_ids
from naiad.trainer.nets.network_report import NetworkReport, report_network
from naiad.trainer.nets.registration import report_unregistered
from naiad.trainer.nets.training_trial import is_batchnorm_size_error, try_training

_NUM_SAMPLES = 2


@explain_errors(NetworkError, "the network cannot be used")
def try_network(net: nn.Module, dataset: Dataset) -> NetworkReport:
    """Tries ``net`` on two samples, in eval mode and in training mode with a backward pass, and reports what was found.

    Leaves weights, modes, buffers and random states as they were. Raises NetworkError where ``net`` does not take the data, does
    not give what the task needs, or cannot be trained.
    """
    if not any(True for _ in net.parameters()):
        raise NetworkError(
            f"{_class_name(net)} has nothing to learn: it has no parameters",
            hint="give a network with layers that have weights",
        )
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise NetworkError(
            f"{_class_name(net)} has nothing to learn: all of its parameters are frozen",
            hint="set requires_grad to True for those to be trained, such as its last layer's",
        )
    _check_gradients(net)
    _check_state(net)
    raw = dataset.train.samples.take(torch.arange(min(_NUM_SAMPLES, len(dataset.train))))
    with preserve_state(net), preserve_state(dataset.features), torch.no_grad():
        inputs = dataset.features(raw)
        id_findings = check_ids(net, dataset)
        output = _run_forward(net, net, inputs.clone())
        _check_tensor(net, output)
        match dataset.task:
            case Task.CLASSIFICATION:
                _check_classes(net, output, inputs, dataset)
            case Task.REGRESSION:
                _check_values(net, output, inputs)
            case Task.CLUSTERING:
                _check_reconstruction(net, output, inputs)
                _check_embedding(net, inputs)
        findings = id_findings + report_unregistered(net) + check_batch_axis(net, inputs, output)
    if not bool(torch.isfinite(output).all()):
        raise NetworkError(
            f"{_class_name(net)} gives NaN or infinite numbers before any training",
            hint="look for a division by zero, a logarithm or weights that were never set",
        )
    trial = try_training(net, inputs, shape=output.shape)
    report = report_network(net, dataset.task, output, trial)
    return replace(report, findings=findings + report.findings)


def check_single_sample(net: nn.Module, dataset: Dataset) -> None:
    """Raises OptionError where ``net`` cannot train on a batch of one sample, as BatchNorm cannot. Leaves it as it was."""
    raw = dataset.train.samples.take(torch.zeros(1, dtype=torch.int64))
    with preserve_state(net), preserve_state(dataset.features), torch.no_grad():
        inputs = dataset.features(raw)
        net.train()
        try:
            net(inputs)
        except ValueError as error:
            if not is_batchnorm_size_error(error):
                raise
            raise OptionError(
                f"{_class_name(net)} cannot train on one sample at a time, as this plan does: BatchNorm needs two",
                hint="take a larger batch_size or microbatch_size, or more data",
            ) from error


def _check_gradients(net: nn.Module) -> None:
    for name, module in net.named_modules():
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.sparse:
            raise NetworkError(
                f"{_class_name(net)} has sparse gradients in {name or 'itself'}, which no optimizer here takes",
                hint=f"make the {type(module).__name__} with sparse=False",
            )


def _check_state(net: nn.Module) -> None:
    """Raises NetworkError for state that neither a checkpoint nor an artifact can hold."""
    for name, value in net.state_dict().items():
        if not isinstance(value, Tensor):
            raise NetworkError(
                f"{_class_name(net)} keeps {name} ({type(value).__name__}) in its state, which is no tensor",
                hint="keep such state in a buffer: register_buffer(name, torch.tensor(...))",
            )


def _run_forward(net: nn.Module, call: Any, inputs: Tensor) -> Any:
    try:
        return call(inputs)
    except NetworkError:
        raise
    except Exception as error:
        first = _describe_first_layer(net)
        expected = f", its first layer is {first}" if first else ""
        reason = " ".join(str(error).split()) or type(error).__name__
        raise NetworkError(
            f"{_class_name(net)} does not take the data: the data has shape {_batch_shape(inputs)}{expected} ({reason})",
            hint=_hint_for_forward(net, error),
        ) from error


def _hint_for_forward(net: nn.Module, error: Exception) -> str:
    if isinstance(error, TypeError) and "positional argument" in str(error):
        return "its forward must take one tensor, the samples, and nothing else that has no default"
    other = next((each.dtype for each in net.parameters() if each.dtype is not torch.float32), None)
    if other is not None:
        advice = "give net.float(); plan={'precision': 'bf16'} sets the number format of the steps"
        return f"its weights are {other}, the data float32: {advice}"
    return "change the network's input, or image_size; net=None chooses a network for the data"


def _check_tensor(net: nn.Module, output: Any) -> None:
    if not isinstance(output, Tensor):
        keys = f" with the keys {', '.join(map(str, output))}" if isinstance(output, Mapping) else ""
        raise NetworkError(
            f"{_class_name(net)} must give one tensor, but gave a {type(output).__name__}{keys}",
            hint="return one tensor: wrap the network in a module whose forward returns that part",
        )
    if output.layout is not torch.strided:
        raise NetworkError(f"{_class_name(net)} must give a dense tensor, but gave one of layout {output.layout}")
    if not output.is_floating_point():
        raise NetworkError(
            f"{_class_name(net)} must give floating-point numbers, but gave {output.dtype}",
            hint="return scores, not classes",
        )


def _check_classes(net: nn.Module, logits: Tensor, inputs: Tensor, dataset: Dataset) -> None:
    if tuple(logits.shape) == (len(inputs), dataset.outputs):
        return
    raise NetworkError(
        f"{_class_name(net)} gives shape {_batch_shape(logits)}, but {dataset.outputs} classes need (B, {dataset.outputs})",
        hint=f"give its last layer {dataset.outputs} outputs",
    )


def _check_values(net: nn.Module, values: Tensor, inputs: Tensor) -> None:
    if tuple(values.shape) in ((len(inputs), 1), (len(inputs),)):
        return
    raise NetworkError(
        f"{_class_name(net)} gives shape {_batch_shape(values)}, but regression needs (B, 1)",
        hint="give its last layer one output",
    )


def _check_reconstruction(net: nn.Module, reconstruction: Tensor, inputs: Tensor) -> None:
    if reconstruction.shape == inputs.shape:
        return
    shape, input_shape = _batch_shape(reconstruction), _batch_shape(inputs)
    raise NetworkError(
        f"{_class_name(net)} gives shape {shape}, but clustering needs the input's: {input_shape}",
        hint="use an autoencoder: net='autoencoder', or net=None",
    )


def _check_embedding(net: nn.Module, inputs: Tensor) -> None:
    encode = getattr(net, "encode", None)
    if not callable(encode):
        raise NetworkError(
            f"{_class_name(net)} has no encode(x), which clustering needs for the embedding",
            hint="use an autoencoder: net='autoencoder', or net=None",
        )
    embedding = _run_forward(net, encode, inputs)
    _check_tensor(net, embedding)
    if embedding.ndim != 2 or len(embedding) != len(inputs):
        raise NetworkError(
            f"{_class_name(net)}.encode gives shape {_batch_shape(embedding)}, but clustering needs (B, D)",
            hint="flatten the embedding: encode(x).flatten(1)",
        )


@contextmanager
def preserve_state(module: nn.Module) -> Iterator[None]:
    """Sets eval mode inside the block; restores modes, buffers and the global random generators after it."""
    modes = [(each, each.training) for each in module.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers() if not is_lazy(buffer)]
    random_state = RandomState.capture()
    module.eval()
    try:
        yield
    finally:
        random_state.restore()
        for buffer, value in buffers:
            buffer.data.copy_(value)
        for each, training in modes:
            each.training = training


def _batch_shape(tensor: Tensor) -> str:
    """Returns text such as ``(B, 1, 28, 28)``."""
    return f"({', '.join(['B', *map(str, tensor.shape[1:])])})" if tensor.ndim else "()"


def _describe_first_layer(net: nn.Module) -> str | None:
    """Returns text such as ``Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1)), which takes (B, 1, H, W)``."""
    layers = [module for module in net.modules() if any(True for _ in module.parameters(recurse=False))]
    match layers:
        case [nn.Conv2d() as layer, *_]:
            return f"{layer}, which takes (B, {layer.in_channels}, H, W)"
        case [nn.Linear() as layer, *_]:
            return f"{layer}, which takes (B, {layer.in_features})"
        case [layer, *_]:
            return type(layer).__name__
    return None


def _class_name(net: nn.Module) -> str:
    return type(net).__name__
