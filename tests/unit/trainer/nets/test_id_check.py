"""A network that looks up ids in columns beside numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from naiad.errors import NetworkError
from naiad.trainer.data.prepare import DataOptions, prepare
from naiad.trainer.nets.check import try_network

RANDOM = np.random.default_rng(0)
IDS = np.arange(60) % 6
X = np.stack([IDS, RANDOM.normal(size=60), RANDOM.normal(size=60)], axis=1).astype(np.float32)
Y = (IDS > 2).astype(int)
AS_THEY_ARE = DataOptions(normalise=False)


class Shop(nn.Module):
    """Looks up the first ``columns`` columns, after ``prepare`` has changed them."""

    def __init__(self, ids=6, prepare=lambda column: column, columns=1):
        super().__init__()
        self.ids, self.out = nn.Embedding(ids, 4), nn.Linear(4 * columns + 2, 2)
        self.prepare, self.columns = prepare, columns

    def forward(self, x):
        looked_up = self.ids(self.prepare(x[:, : self.columns]).long()).flatten(1)
        return self.out(torch.cat([looked_up, x[:, -2:]], dim=1))


def test_standardised_ids_are_refused_with_the_way_round():
    with pytest.raises(NetworkError, match="looks up ids in columns that are standardised") as error:
        try_network(Shop(), prepare((X, Y)))
    assert 'plan={"normalisation": "off"}' in error.value.hint
    assert "--set normalisation=off" in error.value.hint
    assert not try_network(Shop(), prepare((X, Y), AS_THEY_ARE)).findings.items


def test_an_id_that_occurs_once_is_found_before_the_run():
    rare = X.copy()
    rare[40, 0] = 9
    with pytest.raises(NetworkError, match="an id that its Embedding does not have"):
        try_network(Shop(), prepare((rare, Y), AS_THEY_ARE))


def test_ids_that_fit_though_they_are_standardised_are_told():
    net = Shop(prepare=lambda column: column.abs())
    assert [item.kind for item in try_network(net, prepare((X, Y))).findings.items] == ["standardised-ids"]
    two = np.concatenate([X[:, :1], X], axis=1)
    net = Shop(prepare=lambda column: column.abs(), columns=2)
    assert [item.kind for item in try_network(net, prepare((two, Y))).findings.items] == ["standardised-ids"]


def test_bins_of_standardised_numbers_are_no_ids():
    net = Shop(prepare=lambda column: (column + 3).clamp(0, 5))
    assert not try_network(net, prepare((X, Y))).findings.items


def test_a_table_is_given_as_an_array():
    rows = [
        {"shop": int(shop), "a": float(a), "b": float(b), "label": int(y)} for (shop, a, b), y in zip(X, Y, strict=True)
    ]
    with pytest.raises(NetworkError, match="standardised") as error:
        try_network(Shop(), prepare(rows, DataOptions(label="label")))
    assert "give the columns as an array" in error.value.hint
