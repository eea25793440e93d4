"""A network for rows of numbers: an average of small networks that share their hidden layers.

Numbers are encoded by quantile bins, "piecewise linear encoding" of Gorishniy et al. 2022 (arXiv 2203.05556): with them a network
learns steps, as trees do. Each member multiplies the inputs by factors of its own and has its own output layer: "TabM mini" of
Gorishniy et al. 2024 (arXiv 2410.24210). Inputs are clipped smoothly and scaled by learnt factors, as in Holzmüller et al. 2024
(arXiv 2407.04491). A linear part is added, which may begin as the solution of a linear model.
Shape legend: B batch, F features, N rows, C columns with bins, E encoded features, M members, H width, K outputs.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from naiad.trainer.nets.blocks import make_activation
from naiad.trainer.nets.options import check_at_least, check_fraction, check_whole_numbers, check_widths

_MOST_BINS = 16
_MOST_ENCODED = 2_048
"""Inputs that the bins of all columns may become."""
_ROWS_PER_BIN = 10
_LINEAR_STEPS = 100
"""Steps of the solver, as in scikit-learn's logistic regression."""
_CLIP, _CLIP_LINEAR = 3.0, 10.0
"""Values that no clipped input of the hidden layers, and of the linear part, reaches: there a long tail may count."""


class TableEnsemble(nn.Module):
    """float32 (B, *input_shape) in, (B, K) out: the members' mean, of values or of probabilities, then as their logarithms.

    hidden: widths of the layers that the members share. bins: numbers of bins of the flattened inputs, 0 for none; ``fit_bins``
    sets their edges. Raises OptionError.
    """

    low: Tensor
    inverse_width: Tensor
    columns: Tensor

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        *,
        members: int = 8,
        hidden: Sequence[int] = (128, 128),
        activation: str = "relu",
        dropout: float = 0.2,
        bins: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.members = check_at_least("members", members, 1)
        self.outputs = check_at_least("outputs", outputs, 1)
        widths = check_widths("hidden", hidden, min_count=1)
        features = math.prod(check_widths("input_shape", input_shape))
        counts = check_whole_numbers("bins", bins, minimum=0)
        binned, most = [index for index, count in enumerate(counts) if count], max(counts, default=0)
        self.register_buffer("columns", torch.tensor(binned, dtype=torch.int64))
        steps = torch.linspace(-2.5, 2.5, most + 1).expand(len(binned), -1)
        self.register_buffer("low", steps[:, :-1].clone())
        self.register_buffer("inverse_width", 1 / steps.diff(dim=1))
        encoded = features + len(binned) * most
        self.scale = nn.Parameter(torch.ones(encoded))
        self.member_factors = nn.Parameter(torch.randint(0, 2, (members * encoded,)).float() * 2 - 1)
        layers: list[nn.Module] = []
        for inputs, width in zip((encoded, *widths), widths, strict=False):
            layers += [nn.Linear(inputs, width), make_activation(activation)]
            layers += [nn.Dropout(dropout)] if check_fraction("dropout", dropout) else []
        self.hidden = nn.Sequential(*layers)
        bound = 1 / math.sqrt(widths[-1])
        self.last_weight = nn.Parameter(torch.empty(members, widths[-1], outputs).uniform_(-bound, bound))
        self.last_bias = nn.Parameter(torch.zeros(members * outputs))
        self.linear = nn.Linear(features, outputs)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs_MBK = self.member_outputs(inputs)
        if self.outputs == 1:
            return _members_last(outputs_MBK).mean(dim=-1)
        log_probabilities_BKM = _members_last(torch.log_softmax(outputs_MBK, dim=-1))
        return torch.logsumexp(log_probabilities_BKM, dim=-1) - math.log(self.members)

    def member_outputs(self, inputs: Tensor) -> Tensor:
        """Returns (M, B, K), from which the members learn, each by itself."""
        flat_BF = inputs.flatten(1)
        encoded_BE = torch.cat([_clip(flat_BF, _CLIP), self._encode(flat_BF)], dim=1) * self.scale
        hidden_MBH = self.hidden(encoded_BE * self.member_factors.view(self.members, 1, -1))
        deep_MBK = torch.bmm(hidden_MBH, self.last_weight) + self.last_bias.view(self.members, 1, -1)
        outputs_MBK: Tensor = deep_MBK + self.linear(_clip(flat_BF, _CLIP_LINEAR))
        return outputs_MBK

    def _encode(self, flat_BF: Tensor) -> Tensor:
        """Returns (B, C · bins): for each bin -1 below it, 1 above it, and a slope within; 0 for a bin without width."""
        numbers_BC1 = flat_BF.index_select(1, self.columns).unsqueeze(2)
        fractions = ((numbers_BC1 - self.low) * self.inverse_width).clamp(0, 1)
        return ((2 * fractions - 1) * (self.inverse_width > 0)).flatten(1)

    @torch.no_grad()
    def fit_bins(self, inputs: Tensor) -> None:
        """Sets the edges of the bins to quantiles of training inputs (N, *input_shape); equal ones leave bins without width."""
        numbers_NC = inputs.flatten(1).index_select(1, self.columns).double()
        fractions = torch.linspace(0, 1, self.low.shape[1] + 1, dtype=torch.float64)
        for column, numbers_N in enumerate(numbers_NC.unbind(1)):
            edges = torch.unique(_quantiles(numbers_N, fractions))
            width = edges.diff()
            self.low[column], self.inverse_width[column] = 0.0, 0.0
            self.low[column, : len(width)] = edges[:-1].float()
            self.inverse_width[column, : len(width)] = (1 / width).float()

    def fit_linear(self, inputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        """Sets the linear part to ridge or logistic regression, and the members to zero: they learn what is left.

        inputs: (N, *input_shape). targets: (N,) values of mean 0 and deviation 1 for one output, else indices of classes.
        weights: (N,) of the samples. The penalty is that of scikit-learn's defaults.
        """
        nn.init.zeros_(self.last_weight)
        inputs_NF = _clip(inputs.flatten(1), _CLIP_LINEAR)
        weights_N = torch.ones(len(inputs)) if weights is None else weights.float() / weights.float().mean()
        optimizer = torch.optim.LBFGS(self.linear.parameters(), max_iter=_LINEAR_STEPS, line_search_fn="strong_wolfe")

        @torch.enable_grad()
        def compute_loss() -> Tensor:
            optimizer.zero_grad()
            outputs_NK = self.linear(inputs_NF)
            if self.outputs == 1:
                losses_N = (outputs_NK.squeeze(1) - targets).square()
            else:
                losses_N = 2 * nn.functional.cross_entropy(outputs_NK, targets, reduction="none")
            loss = (torch.dot(weights_N, losses_N) + self.linear.weight.square().sum()) / len(inputs)
            loss.backward()  # type: ignore[no-untyped-call]  # reason: torch has no types for it
            return loss

        optimizer.step(compute_loss)  # type: ignore[no-untyped-call]  # reason: as above
        optimizer.zero_grad()


def _members_last(outputs_MBK: Tensor) -> Tensor:
    """Returns (B, K, M). torch adds up the first dimension in blocks, so that a row's bits would depend on its place."""
    return outputs_MBK.permute(1, 2, 0).contiguous()


def _clip(inputs: Tensor, limit: float) -> Tensor:
    return inputs / torch.sqrt(1 + (inputs / limit) ** 2)


def choose_bins(inputs: Tensor) -> list[int]:
    """Returns the numbers of bins for training inputs (N, *input_shape), by flattened input.

    Inputs of two values have no bins. Where the bins would be too many, there are fewer of them, or none.
    """
    flat_NF = inputs.flatten(1)
    sorted_NF = flat_NF.sort(dim=0).values
    distinct_F = 1 + (sorted_NF.diff(dim=0) != 0).sum(dim=0)
    is_binned_F = distinct_F > 2
    most = min(_MOST_BINS, max(2, len(flat_NF) // _ROWS_PER_BIN), int(distinct_F.max()) - 1)
    bins = min(most, _MOST_ENCODED // max(1, int(is_binned_F.sum())))
    return (is_binned_F * (bins if bins >= 2 else 0)).tolist()


def _quantiles(numbers_N: Tensor, fractions: Tensor) -> Tensor:
    """torch.quantile takes 16 million numbers at most."""
    ordered_N = numbers_N.sort().values
    position = fractions * (len(ordered_N) - 1)
    below = position.floor().long()
    above = (below + 1).clamp(max=len(ordered_N) - 1)
    return torch.lerp(ordered_N[below], ordered_N[above], position - below)
