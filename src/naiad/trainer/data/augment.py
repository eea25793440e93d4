"""Augments a batch of encoded images by one gather, with random parameters of its own for each image.

torchvision's v2 transforms draw one set of parameters for a whole batch. All random numbers come from the generator that is
passed in, so a resumed run sees the same images.
Shape legend: B batch, C channels, H height, W width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def augment(batch_BCHW: Tensor, kinds: tuple[str, ...], generator: torch.Generator) -> Tensor:
    """Returns a batch of the same shape and type.

    flip: mirrors left to right with probability 1/2. shift: moves by up to 1/14 of each side and fills the gap with zeros.
    crop: a random window after reflecting 1/8 of each side (He et al., arXiv 1512.03385, section 4.2, with reflection).
    """
    if not kinds:
        return batch_BCHW
    B, _, H, W = batch_BCHW.shape
    pad_h, pad_w, mode = _padding(kinds, H, W)
    padded = _pad(batch_BCHW, pad_h, pad_w, mode)
    top_B = torch.randint(0, 2 * pad_h + 1, (B,), generator=generator)
    left_B = torch.randint(0, 2 * pad_w + 1, (B,), generator=generator)
    rows_BH = top_B[:, None] + torch.arange(H)
    columns_BW = left_B[:, None] + torch.arange(W)
    if "flip" in kinds:
        is_mirrored_B = torch.rand(B, generator=generator) < 0.5
        columns_BW = torch.where(is_mirrored_B[:, None], columns_BW.flip(1), columns_BW)
    rows_BH, columns_BW = rows_BH.to(padded.device), columns_BW.to(padded.device)
    samples_B = torch.arange(B, device=padded.device)
    gathered_BHWC = padded.permute(0, 2, 3, 1)[samples_B[:, None, None], rows_BH[:, :, None], columns_BW[:, None, :]]
    return gathered_BHWC.permute(0, 3, 1, 2)


def _padding(kinds: tuple[str, ...], height: int, width: int) -> tuple[int, int, str]:
    """Returns the padding of the height and the width, in pixels, and its mode."""
    if "crop" in kinds:
        return min(max(1, height // 8), height - 1), min(max(1, width // 8), width - 1), "reflect"
    if "shift" in kinds:
        return max(1, height // 14), max(1, width // 14), "constant"
    return 0, 0, "constant"


def _pad(batch_BCHW: Tensor, pad_h: int, pad_w: int, mode: str) -> Tensor:
    if pad_h == pad_w == 0:
        return batch_BCHW
    sides = (pad_w, pad_w, pad_h, pad_h)
    if mode == "constant":
        return F.pad(batch_BCHW, sides)
    # torch reflects no uint8; float32 holds every one of its values exactly.
    return F.pad(batch_BCHW.float(), sides, mode=mode).to(batch_BCHW.dtype)
