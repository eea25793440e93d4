"""One optimizer that uses Muon for a network's hidden matrices and AdamW for its other weights.

Muon: Jordan et al., https://kellerjordan.github.io/posts/muon/. A convolution's weight is taken as a matrix that shares its
memory, one row an output channel, as the method's author does. torch.optim.Muon computes in bf16 only, which processors without
units for it imitate, fifty times slower than fp32. The class here is told the number format, and takes matrices of one shape
together.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from naiad.trainer.optim.newton_schulz import orthogonalise

ADAMW_RATE_FACTOR = 0.5
"""AdamW's learning rate over Muon's: orthogonal updates allow a larger one."""
_ADAMW_UPDATE = 0.2
"""Root mean square of an update as large as AdamW's: Liu et al., "Muon is Scalable for LLM Training", arXiv 2502.16982."""


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum for matrices (R, C), its updates as large as AdamW's."""

    def __init__(
        self, matrices: Iterable[Tensor], *, lr: float, momentum: float, weight_decay: float, dtype: torch.dtype
    ) -> None:
        """dtype: the number format that updates are orthogonalised in."""
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None  # reason: no caller passes one
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape[matrix.shape].append(matrix)
            for (rows, columns), matrices in by_shape.items():
                rate = group["lr"] * _ADAMW_UPDATE * max(rows, columns) ** 0.5
                directions = [self._direction(matrix, group["momentum"]) for matrix in matrices]
                updates = self._orthogonalise(directions)
                for matrix, update in zip(matrices, updates, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    matrix.add_(update, alpha=-rate)

    def _direction(self, matrix: Tensor, momentum: float) -> Tensor:
        """Returns the gradient after Nesterov's momentum, and updates the running mean."""
        gradient, state = matrix.grad, self.state[matrix]
        assert gradient is not None  # reason: ``step`` takes only those that have one
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient, memory_format=torch.preserve_format)
        mean: Tensor = state["momentum_buffer"]
        mean.lerp_(gradient, 1 - momentum)
        return gradient.lerp(mean, momentum)

    def _orthogonalise(self, directions: list[Tensor]) -> Iterable[Tensor]:
        if len(directions) == 1:
            return [orthogonalise(directions[0], self._dtype)]
        return orthogonalise(torch.stack(directions), self._dtype).unbind()


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
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """fused: whether AdamW updates all its weights in one kernel; Muon's update is the same either way.

        dtype: the number format that Muon's updates are orthogonalised in.
        """
        hidden = [weight for weight in hidden_weights(net) if any(weight is parameter for parameter in parameters)]
        self._matrix_views = [(weight, matrix) for weight in hidden if (matrix := as_matrix(weight)) is not None]
        muon_ids = {id(weight) for weight, _ in self._matrix_views}
        rest = [parameter for parameter in parameters if id(parameter) not in muon_ids]
        self._optimizers: list[torch.optim.Optimizer] = []
        if self._matrix_views:
            matrices = [matrix for _, matrix in self._matrix_views]
            muon = Muon(matrices, lr=lr, momentum=momentum, weight_decay=weight_decay, dtype=dtype)
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
