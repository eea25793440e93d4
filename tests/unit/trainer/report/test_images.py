from dataclasses import replace

import numpy as np
import pytest
import torch

from naiad.trainer.data.dataset import Task
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.report import images


def test_samples_are_of_every_class(digits):
    shown = images.samples(digits)
    assert [item.lines[0] for item in shown] == [f"digit {index // 3}" for index in range(30)]


def test_the_surest_mistake_is_first(classified):
    test, scores = classified.dataset.test, classified.evaluation.scores
    shown = images.surest_mistakes(classified.dataset, test, scores)
    assert len(shown) == images.MISTAKES
    wrong = scores.argmax(axis=1) != test.targets.numpy()
    best = np.where(wrong, scores.max(axis=1), 0).argmax()
    assert shown[0].name == f"index {best}"
    truth, guess = test.targets[best], scores[best].argmax()
    assert shown[0].lines == (f"digit {truth} → digit {guess}", f"{100 * scores[best].max():.1f} %")


def test_the_largest_error_is_first(digits):
    targets = torch.zeros(len(digits.test))
    dataset = replace(digits, task=Task.REGRESSION, classes=())
    shown = images.largest_errors(
        dataset, replace(digits.test, targets=targets), np.arange(len(targets), dtype=np.float32)
    )
    assert shown[0].lines == ("0 → 299",)


@pytest.mark.parametrize(("channels", "grey"), [(1, True), (2, True), (3, False), (4, False), (6, True)])
def test_any_number_of_channels_can_be_seen(channels, grey):
    raw = torch.arange(channels, dtype=torch.uint8).view(-1, 1, 1).expand(channels, 5, 7)
    picture = images.picture(raw)
    assert picture.shape == (5, 7, 3)
    assert picture[0, 0].tolist() == ([0, 0, 0] if grey else [0, 1, 2])


def test_large_pictures_are_made_smaller():
    assert images.picture(torch.zeros(3, 400, 200, dtype=torch.uint8)).shape == (160, 80, 3)


def test_arrays_are_no_pictures(digits):
    assert images.are_pictures(digits.schema)
    assert not images.are_pictures(ArraySchema((3, 8, 8)))
