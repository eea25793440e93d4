"""One optimizer that uses Muon for a network's hidden matrices and AdamW for its other weights.

Muon: Jordan et al., https://kellerjordan.github.io/posts/muon/. The update is torch.optim.Muon's, which takes matrices only. A
convolution's weight is given to it as a matrix that shares its memory, one row an output channel, as the method's author does.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

_NEWTON_SCHULZ_STEPS = 2
"""The method's author takes five. Two were as accurate where both were tried (benchmarks/LOG.md), and faster."""
ADAMW_RATE_FACTOR = 0.5
"""AdamW's learning rate over Muon's: orthogonal updates allow a larger one."""


class MuonWithAdamW(torch.optim.Optimizer):
    """Has the parameter groups and the state of both. ``lr`` is Muon's; AdamW's is ``ADAMW_RATE_FACTOR`` times that."""

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
        """fused: whether AdamW updates all its weights in one kernel; Muon's update is the same either way."""
        hidden = [weight for weight in hidden_weights(net) if any(weight is parameter for parameter in parameters)]
        self._matrix_views = [(weight, matrix) for weight in hidden if (matrix := as_matrix(weight)) is not None]
        muon_ids = {id(weight) for weight, _ in self._matrix_views}
        rest = [parameter for parameter in parameters if id(parameter) not in muon_ids]
        self._optimizers: list[torch.optim.Optimizer] = []
        if self._matrix_views:
            muon = torch.optim.Muon(
                [matrix for _, matrix in self._matrix_views],
                lr=lr,
                momentum=momentum,
                weight_decay=weight_decay,
                ns_steps=_NEWTON_SCHULZ_STEPS,
                adjust_lr_fn="match_rms_adamw",
            )
            self._optimizers.append(muon)
        groups = [
            {
                "params": [p for p in rest if p.ndim >= 2],
                "weight_decay": weight_decay,
                "rate_factor": ADAMW_RATE_FACTOR,
            },
            {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0, "rate_factor": ADAMW_RATE_FACTOR},
        ]
        self._optimizers.append(torch.optim.AdamW([group for group in groups if group["params"]], lr=lr, fused=fused))
        super().__init__([group for optimizer in self._optimizers for group in optimizer.param_groups], {})
        for optimizer in self._optimizers:  # groups and state are shared, so a rate that is set here is set there
            optimizer.state = self.state
        self.param_groups = [group for optimizer in self._optimizers for group in optimizer.param_groups]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None  # reason: no caller passes one
        for weight, matrix in self._matrix_views:
            matrix.grad = None if weight.grad is None else _to_matrix(weight.grad, like=weight)
        for optimizer in self._optimizers:
            optimizer.step()

    def zero_grad(self, set_to_none: bool = True) -> None:  # noqa: FBT001, FBT002  # reason: torch's signature
        super().zero_grad(set_to_none)
        for weight, _ in self._matrix_views:
            weight.grad = None


def hidden_weights(net: nn.Module) -> list[nn.Parameter]:
    """Weights of convolutions and matrices in the order of registration.

    Leaves out embeddings, the last weight, and the first one where it is a matrix.
    """
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
    """Multiplications of one update of matrices of these shapes."""
    total = 0
    for shape in shapes:
        short, long = sorted(shape)
        total += _NEWTON_SCHULZ_STEPS * (2 * short * short * long + short**3)
    return float(total)


def as_matrix(weight: nn.Parameter) -> nn.Parameter | None:
    """A parameter (outputs, inputs) that shares the memory of ``weight``.

    None where its memory layout allows no such view, or a side has length 1.
    """
    matrix = _to_matrix(weight.detach(), like=weight)
    is_view = matrix.data_ptr() == weight.data_ptr() and matrix.numel() == weight.numel()
    return nn.Parameter(matrix) if is_view and min(matrix.shape) > 1 else None


def _to_matrix(tensor: Tensor, *, like: Tensor) -> Tensor:
    """The tensor as (outputs, the rest), in the memory order of ``like``. Muon does not depend on the order of columns."""
    if like.ndim == 4 and like.is_contiguous(memory_format=torch.channels_last) and not like.is_contiguous():
        tensor = tensor.permute(0, 2, 3, 1)
    return tensor.reshape(tensor.shape[0], -1)
