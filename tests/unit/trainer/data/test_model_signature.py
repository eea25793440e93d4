"""Data prepared for a trained model."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from naiad.errors import DataError
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.model_signature import ModelSignature, prepare_split
from naiad.trainer.data.prepare import DataOptions, prepare


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


class Named(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Items with two labels."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> dict[str, object]:
        return {"x": torch.full((3,), float(index)), "coarse": index % 2, "fine": index % 3}


def test_the_part_that_the_model_was_trained_on_is_its_label() -> None:
    dataset = prepare(Named(), DataOptions(label="fine"))
    for data in (Named(), {"train": Named(), "test": Named()}, torch.utils.data.DataLoader(Named())):
        split, _ = prepare_split(data, signature_of(dataset))
        assert split.targets is not None
        assert split.targets.tolist() == [0, 1, 2] * 4


def scaled_images() -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    return np.random.default_rng(0).random((12, 3, 6, 7)), np.arange(12) % 2


def test_a_model_of_scaled_numbers_takes_no_images(image_folder: Path) -> None:
    signature = signature_of(prepare(scaled_images()))
    for data, message in (
        (image_folder, "holds images, but the model was trained on arrays"),
        ((np.full((4, 6, 7, 3), 200, np.uint8), [0, 1, 0, 1]), "as raw pixels are"),
        ((np.full((4, 3, 6, 7), 200.0), [0, 1, 0, 1]), "as raw pixels are"),
    ):
        with pytest.raises(DataError, match=message):
            prepare_split(data, signature)
    with pytest.raises(DataError, match="an image was given"):
        signature.schema.encode(image_folder / "train" / "cat" / "1.png")


def test_splits_on_two_scales_are_refused() -> None:
    X, y = scaled_images()
    with pytest.raises(DataError, match="as raw pixels are"):
        prepare({"train": (X, y), "test": ((X * 255).round(), y)})


class Scaled(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Images as floats of 0…1, flipped at random."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = torch.full((3, 6, 7), index / 100) + torch.rand(1) / 1000
        return image + (0.8 if index == 11 else 0), index % 2


def test_streamed_floats_reach_a_model_of_pixels_on_one_scale(image_folder: Path) -> None:
    split, _ = prepare_split(Scaled(), signature_of(prepare(image_folder)))
    assert split.targets is not None
    pixels = split.samples.take(torch.arange(12))
    assert pixels.dtype is torch.uint8
    assert pixels[:, 0, 0, 0].tolist() == pytest.approx(
        [255 * index / 100 + (204 if index == 11 else 0) for index in range(12)], abs=2
    )
    assert split.samples.take(torch.tensor([0])).amax() <= 1


def test_a_label_that_would_not_be_used_is_refused(image_folder: Path) -> None:
    with pytest.raises(DataError, match="label is 'species', but the labels of"):
        prepare_split(image_folder, signature_of(prepare(image_folder)), label="species")


ONE_HOT = np.eye(3)[[1, 2, 1]]
NAMES = ["ant", "bee", "cow"] * 4


@pytest.mark.parametrize(
    ("labels", "expected"), [(NAMES, [1, 2, 1]), (np.arange(12) % 3, [1, 2, 1]), (np.arange(12) % 3 + 1, [1, 2, 1])]
)
@pytest.mark.parametrize(
    "container",
    [
        lambda x: (x, ONE_HOT),
        lambda x: TensorDataset(x, torch.from_numpy(ONE_HOT)),
        lambda x: list(zip(x, ONE_HOT, strict=True)),
    ],
)
def test_one_hot_columns_are_the_classes_in_their_order(labels, expected, container) -> None:
    x = torch.arange(24.0).reshape(12, 2)
    split, _ = prepare_split(container(x[:3]), signature_of(prepare((x, labels))))
    assert split.targets is not None
    assert split.targets.tolist() == expected
    by_split = prepare({"train": (x, labels), "test": container(x[:3] + 0.5)})
    assert by_split.test is not None
    assert by_split.test.targets is not None
    assert by_split.test.targets.tolist() == expected


def test_one_hot_columns_that_count_from_zero_and_other_numbers_of_columns() -> None:
    x = torch.arange(24.0).reshape(12, 2)
    counted = signature_of(prepare((x, np.arange(12) % 3 + 1)))
    split, _ = prepare_split((x[:3], np.eye(4)[[1, 3, 2]]), counted)
    assert split.targets is not None
    assert split.targets.tolist() == [0, 2, 1]
    with pytest.raises(DataError, match="one-hot labels have 5 columns, but there are 3 classes"):
        prepare_split((x[:3], np.eye(5)[[1, 2, 1]]), signature_of(prepare((x, NAMES))))
