"""Attributes with the names of classes, as people write them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from naiad.trainer.data.sources.name_attributes import counts_from_zero, parse_names, read_names

PAIRS = ((0, "cat"), (1, "dog"))


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (["cat", "dog"], PAIRS),
        (("cat", "dog"), PAIRS),
        (np.array(["cat", "dog"]), PAIRS),
        (np.array([b"cat", b"dog"]), PAIRS),
        (pd.Index(["cat", "dog"]), PAIRS),
        ({"dog": 1, "cat": 0}, PAIRS),
        ({1: "dog", 0: "cat"}, PAIRS),
        ({"0": "cat", "1": "dog"}, PAIRS),
        ({"0": 1, "1": 0}, ((0, "1"), (1, "0"))),
        ([10, 20], ((0, "10"), (1, "20"))),
        (torch.tensor([10, 20]), ((0, "10"), (1, "20"))),
        ([("tench", "Tinca tinca"), ("goldfish",)], ((0, "tench, Tinca tinca"), (1, "goldfish"))),
        ({"dog": 2, "cat": 1}, ((1, "cat"), (2, "dog"))),
        ({-1: "no", 1: "yes"}, ((-1, "no"), (1, "yes"))),
        ({"tench": 0, "Tinca tinca": 0}, None),
        ({"cat": "dog"}, None),
        ({"cat", "dog"}, None),
        (["cat", "cat"], None),
        ("cat", None),
        (2, None),
        (None, None),
        ([], None),
        ({}, None),
    ],
)
def test_names_come_as_a_sequence_or_a_mapping_either_way(value: Any, names: Any) -> None:
    assert parse_names(value) == names


def test_a_mapping_counts_more_than_a_list() -> None:
    dataset = SimpleNamespace(classes=["1", "10", "2"], class_to_idx={"1": 1, "10": 10, "2": 2})
    assert read_names(dataset)[:2] == ("class_to_idx", ((1, "1"), (2, "2"), (10, "10")))
    synonyms = SimpleNamespace(classes=["a", "b"], class_to_idx={"a": 0, "A": 0, "b": 1})
    assert read_names(synonyms)[:2] == ("classes", ((0, "a"), (1, "b")))
    assert read_names(SimpleNamespace(classes=2)) == ("classes", None, 2)
    assert read_names(SimpleNamespace(classes=len)) == (None, None, None)


def test_names_that_count_from_zero() -> None:
    assert counts_from_zero(PAIRS)
    assert not counts_from_zero(((1, "cat"), (2, "dog")))
