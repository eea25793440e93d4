"""Muon for a network's hidden matrices, AdamW for the rest of it, as one optimizer.

Muon: Jordan et al., https://kellerjordan.github.io/posts/muon/; its update is torch's own, which takes matrices only. So a
convolution's weight is given to it as a matrix that shares its memory, one row an output channel, as the method's author does.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

_ITERATIONS = 2
"""Of Newton and Schulz; the method's author takes five. As accurate where it was tried (benchmarks/LOG.md), and faster."""


ADAMW_RATE = 0.5
"""The rate of what AdamW updates, in units of Muon's: orthogonal updates bear a larger one."""


class MuonWithAdamW(torch.optim.Optimizer):
    """Groups and state are those of both parts. The learning rate is Muon's; AdamW's is ``ADAMW_RATE`` times that."""

    def __init__(
        self,
        net: nn.Module,
        parameters: list[nn.Parameter],
        *,
        lr: float,
        momentum: float,
        weight_decay: float,
        fused: bool = True,
    ) -> None:
        """fused: AdamW's update in one kernel. Muon's is the same either way."""
        hidden = [parameter for parameter in hidden_weights(net) if any(parameter is known for known in parameters)]
        self._views = [(weight, matrix) for weight in hidden if (matrix := as_matrix(weight)) is not None]
        taken = {id(weight) for weight, _ in self._views}
        rest = [parameter for parameter in parameters if id(parameter) not in taken]
        self._parts: list[torch.optim.Optimizer] = []
        if self._views:
            muon = torch.optim.Muon(
                [matrix for _, matrix in self._views],
                lr=lr,
                momentum=momentum,
                weight_decay=weight_decay,
                ns_steps=_ITERATIONS,
                adjust_lr_fn="match_rms_adamw",
            )
            self._parts.append(muon)
        groups = [
            {"params": [p for p in rest if p.ndim >= 2], "weight_decay": weight_decay, "rate_factor": ADAMW_RATE},
            {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0, "rate_factor": ADAMW_RATE},
        ]
        self._parts.append(torch.optim.AdamW([group for group in groups if group["params"]], lr=lr, fused=fused))
        super().__init__([group for part in self._parts for group in part.param_groups], {})
        for part in self._parts:  # the groups and the state are these very ones, so a rate set here is set there
            part.state = self.state
        self.param_groups = [group for part in self._parts for group in part.param_groups]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None  # reason: for us: no closure is used here
        for weight, matrix in self._views:
            matrix.grad = None if weight.grad is None else _arranged(weight.grad, like=weight)
        for part in self._parts:
            part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:  # noqa: FBT001, FBT002  # reason: torch's signature
        super().zero_grad(set_to_none)
        for weight, _ in self._views:
            weight.grad = None


def hidden_weights(net: nn.Module) -> list[nn.Parameter]:
    """Convolutions and matrices but embeddings, the last one, and the first where it is a matrix; as registered."""
    embedded = {
        id(parameter)
        for module in net.modules()
        if isinstance(module, nn.Embedding | nn.EmbeddingBag)
        for parameter in module.parameters()
    }
    weights = [p for p in net.parameters() if p.requires_grad and p.ndim >= 2 and id(p) not in embedded]
    first_hidden = 0 if weights and weights[0].ndim > 2 else 1
    return weights[first_hidden:-1]


def update_multiplications(shapes: Iterable[Sequence[int]]) -> float:
    """Of one update of matrices of these shapes."""
    total = 0
    for shape in shapes:
        short, long = sorted(shape)
        total += _ITERATIONS * (2 * short * short * long + short**3)
    return float(total)


def as_matrix(weight: nn.Parameter) -> nn.Parameter | None:
    """A parameter (outputs, inputs) in the memory of ``weight``; None where its memory has no such form, or it has one row."""
    matrix = _arranged(weight.detach(), like=weight)
    shares = matrix.data_ptr() == weight.data_ptr() and matrix.numel() == weight.numel()
    return nn.Parameter(matrix) if shares and min(matrix.shape) > 1 else None


def _arranged(tensor: Tensor, *, like: Tensor) -> Tensor:
    """(outputs, the rest) in the order in which ``like`` lies in memory. Which column is which does not matter to Muon."""
    if like.ndim == 4 and like.is_contiguous(memory_format=torch.channels_last) and not like.is_contiguous():
        tensor = tensor.permute(0, 2, 3, 1)
    return tensor.reshape(tensor.shape[0], -1)
