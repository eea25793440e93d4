"""Bad arguments of Naiad's functions: each error names what was given and what is needed."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import naiad
from naiad.errors import DataError, NetworkError

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
LABELS = np.arange(60) % 3


def with_nan() -> np.ndarray:
    labels = LABELS.astype(np.float64)
    labels[7] = np.nan
    return labels


def net(outputs: int = 3, inputs: int = 4) -> nn.Module:
    return nn.Linear(inputs, outputs)


CALLS: dict[str, tuple[Callable[[], object], type[Exception], list[str]]] = {
    "NaN in the labels": (lambda: naiad.fit(net(), (X, with_nan())), DataError, ["NaN", "7"]),
    "one class only": (lambda: naiad.fit(net(), (X, np.zeros(60, np.int64))), DataError, ["class"]),
    "fewer labels than samples": (lambda: naiad.fit(net(), (X, LABELS[:50])), DataError, ["60", "50"]),
    "no data": (lambda: naiad.fit(net(), None), DataError, ["no data"]),
    "no samples": (lambda: naiad.fit(net(), (X[:0], LABELS[:0])), DataError, []),
    "outputs": (lambda: naiad.fit(net(outputs=7), (X, LABELS)), NetworkError, ["7", "3"]),
    "inputs": (lambda: naiad.fit(net(inputs=9), (X, LABELS)), NetworkError, ["4", "9"]),
    "no network": (lambda: naiad.fit("mlpp", (X, LABELS)), NetworkError, ["mlpp"]),
    "labels that the model does not know": (
        lambda: naiad.fit(net(), (X, LABELS), epochs=1, report=False).evaluate((X, LABELS + 5)),
        DataError,
        ["7"],
    ),
}


@pytest.mark.parametrize(("call", "error", "phrases"), CALLS.values(), ids=CALLS.keys())
def test_a_call_is_refused(call: Callable[[], object], error: type[Exception], phrases: list[str]) -> None:
    with torch.random.fork_rng(), pytest.raises(error) as caught:
        call()
    text = f"{caught.value} {getattr(caught.value, 'hint', None)}"
    assert all(phrase in text for phrase in phrases), text
