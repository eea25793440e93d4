"""Data prepared for a trained model."""

from pathlib import Path

import numpy as np
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.model_signature import ModelSignature, prepare_split
from naiad.trainer.data.prepare import prepare


def signature_of(dataset: Dataset) -> ModelSignature:
    return ModelSignature(dataset.task, dataset.schema, dataset.classes, dataset.target_name)


def test_the_test_split_equals_the_prepared_one(image_folder: Path) -> None:
    dataset = prepare(image_folder)
    assert dataset.test is not None
    split, _ = prepare_split(image_folder, signature_of(dataset))
    indices = torch.arange(12)
    assert torch.equal(split.samples.take(indices), dataset.test.samples.take(indices))
    assert torch.equal(split.targets, dataset.test.targets)  # type: ignore[arg-type]


def test_findings_name_the_split(image_folder: Path) -> None:
    train, findings = prepare_split(image_folder, signature_of(prepare(image_folder)), split="train")
    assert len(train) == 12
    assert findings.quarantine[0].split == "train"


def test_data_of_another_form_is_encoded_by_the_models_schema(image_folder: Path) -> None:
    arrays = (np.zeros((4, 9, 9, 3), np.uint8), [0, 1, 0, 1])
    split, _ = prepare_split(arrays, signature_of(prepare(image_folder)))
    assert split.samples.sample_shape == (3, 6, 7)
    assert split.targets is not None
    assert split.targets.tolist() == [0, 1, 0, 1]


def test_a_missing_split_is_an_error(image_folder: Path) -> None:
    with pytest.raises(DataError, match="no validation split"):
        prepare_split(image_folder, signature_of(prepare(image_folder)), split="validation")
