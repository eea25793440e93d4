"""Pictures of samples and of mistakes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from naiad.trainer.data.dataset import Task
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.report import images


def test_examples_are_of_every_class(digits):
    pictures = images.example_pictures(digits)
    assert [picture.caption[0] for picture in pictures] == [f"digit {index // 3}" for index in range(30)]


def test_the_surest_mistake_is_first(classification_run):
    test, scores = classification_run.dataset.test, classification_run.evaluation.scores
    pictures = images.surest_mistakes(classification_run.dataset, test, test.targets.numpy(), scores)
    assert len(pictures) == images.MAX_MISTAKES
    wrong = scores.argmax(axis=1) != test.targets.numpy()
    best = np.where(wrong, scores.max(axis=1), 0).argmax()
    assert pictures[0].name == f"index {best}"
    truth, guess = test.targets[best], scores[best].argmax()
    assert pictures[0].caption == (f"digit {truth} → digit {guess}", f"{100 * scores[best].max():.1f} %")


def test_the_largest_error_is_first(digits):
    targets = torch.zeros(len(digits.test))
    dataset = replace(digits, task=Task.REGRESSION, classes=())
    pictures = images.largest_errors(
        dataset,
        replace(digits.test, targets=targets),
        targets.numpy(),
        np.arange(len(targets), dtype=np.float32),
    )
    assert pictures[0].caption == ("0 → 299",)


@pytest.mark.parametrize(("channels", "grey"), [(1, True), (2, True), (3, False), (4, False), (6, True)])
def test_any_number_of_channels_can_be_shown(channels, grey):
    raw = torch.arange(channels, dtype=torch.uint8).view(-1, 1, 1).expand(channels, 5, 7)
    pixels = images.to_pixels(raw)
    assert pixels.shape == (5, 7, 3)
    assert pixels[0, 0].tolist() == ([0, 0, 0] if grey else [0, 1, 2])


def test_large_pictures_are_reduced():
    assert images.to_pixels(torch.zeros(3, 400, 200, dtype=torch.uint8)).shape == (160, 80, 3)


def test_only_images_are_pictures(digits):
    assert images.has_pictures(digits.schema)
    assert not images.has_pictures(ArraySchema((3, 8, 8)))
