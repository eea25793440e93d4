"""Checks that a network that looks up ids in the columns of its input gets ids: numbers that were standardised are none.

The rows that are tried hold the smallest and the largest number of each column, so that the run does not meet worse ones.
Shape legend: B batch, F features.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from naiad.errors import NetworkError
from naiad.trainer.data.dataset import Dataset, Samples, TensorSamples
from naiad.trainer.data.features.table import TableSchema
from naiad.trainer.data.findings import Action, Finding, Findings

_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)
_ROWS = 64
"""Rows that are tried where the samples are not in memory."""
_WAY_ROUND = 'leave the numbers as they are: plan={"normalisation": "off"}, or --set normalisation=off'
_WAY_ROUND_OF_TABLES = f"give the columns as an array, (X, y), and {_WAY_ROUND}"


def check_ids(net: nn.Module, dataset: Dataset) -> Findings:
    """Reports ids that were standardised, and that the network takes nevertheless. To be called in eval mode without gradients.

    Raises NetworkError where the network looks up an id that its Embedding does not have.
    """
    embeddings = [module for module in net.modules() if isinstance(module, _EMBEDDINGS)]
    samples = dataset.train.samples
    if not embeddings or len(samples.sample_shape) != 1 or samples.dtype is not torch.float32:
        return Findings()
    raw_BF = torch.nan_to_num(samples.take(_extreme_rows(samples)))
    inputs_BF = dataset.features(raw_BF)
    ids, error = _look_up(net, inputs_BF, embeddings)
    is_standardised = inputs_BF.shape == raw_BF.shape and not torch.equal(inputs_BF, raw_BF)
    raw_ids, raw_error = _look_up(net, raw_BF, embeddings) if is_standardised else (ids, error)
    way_round = _WAY_ROUND_OF_TABLES if isinstance(dataset.schema, TableSchema) else _WAY_ROUND
    if error is not None and raw_error is None:
        raise NetworkError(
            f"{type(net).__name__} looks up ids in columns that are standardised to mean 0 and deviation 1 ({error})",
            hint=way_round,
        )
    if error is not None:
        raise NetworkError(
            f"{type(net).__name__} looks up an id that its Embedding does not have: {error}",
            hint="ids count from 0 to num_embeddings - 1: give the Embedding a row for each id",
        )
    if raw_error is not None or not _differ(ids, raw_ids) or not any(_is_column(each, raw_BF) for each in raw_ids):
        return Findings()
    message = f"the network looks up ids in columns that are standardised, and so gets other ids: {way_round}"
    return Findings((Finding("standardised-ids", "train", len(samples), Action.REPORTED, message),))


def _extreme_rows(samples: Samples) -> Tensor:
    """Returns the places of the rows with the smallest and the largest number of each column, or of some rows of a stream."""
    if isinstance(samples, TensorSamples):
        return torch.cat([samples.tensor.argmin(0), samples.tensor.argmax(0)])
    return torch.linspace(0, len(samples) - 1, min(_ROWS, len(samples)), dtype=torch.float64).round().long()


def _look_up(net: nn.Module, inputs: Tensor, embeddings: Sequence[nn.Module]) -> tuple[list[Tensor], IndexError | None]:
    """Returns the ids that each Embedding was given, and the error of an id that it does not have.

    Other errors are no matter of ids: they are left to the trial of the network.
    """
    ids: list[Tensor] = []

    def keep(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        ids.extend(argument.flatten().clone() for argument in arguments[:1])

    hooks = [embedding.register_forward_pre_hook(keep) for embedding in embeddings]
    try:
        net(inputs.clone())
    except IndexError as error:
        return ids, error
    except Exception:  # noqa: BLE001  # reason: the network's code may raise anything
        return [], None
    finally:
        for hook in hooks:
            hook.remove()
    return ids, None


def _differ(ids: Sequence[Tensor], raw_ids: Sequence[Tensor]) -> bool:
    return len(ids) != len(raw_ids) or not all(map(torch.equal, ids, raw_ids))


def _is_column(ids: Tensor, raw_BF: Tensor) -> bool:
    """Whether the ids are the whole numbers of one column, or of several that stand side by side."""
    width, features = len(ids) // len(raw_BF), raw_BF.shape[1]
    slices = [raw_BF[:, first : first + width].flatten() for first in range(features - width + 1)] if width else []
    return any(torch.equal(numbers, ids.to(numbers.dtype)) for numbers in slices)
