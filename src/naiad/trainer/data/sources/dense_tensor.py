"""Tensors of all kinds as plain numbers: sparse, quantised, of half precision, on another device."""

import torch
from torch import Tensor

from naiad.errors import DataError


def to_dense_tensor(tensor: Tensor, *, name: str) -> Tensor:
    """Returns the numbers on the CPU, without gradients, in a type that NumPy has too. name: of the tensor, for messages.

    Raises DataError for a tensor that has no real numbers in rows of one length.
    """
    if tensor.is_nested:
        raise DataError(f"{name} is a nested tensor, whose rows differ in length", hint="give rows of one length")
    if tensor.device.type == "meta":
        raise DataError(f"{name} is a tensor on the device meta, which has no values", hint="give a tensor on the CPU")
    if tensor.is_complex():
        raise DataError(f"{name} holds complex numbers", hint="give real and imaginary parts as features of their own")
    tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    is_known_to_numpy = not tensor.is_floating_point() or tensor.dtype in (torch.float16, torch.float32, torch.float64)
    return (tensor if is_known_to_numpy else tensor.float()).cpu()
