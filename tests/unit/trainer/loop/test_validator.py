"""The validation at the end of each epoch."""

import torch
from torch import nn

from naiad.trainer.loop.task_strategy import make_task_strategy
from naiad.trainer.loop.validator import Validator


def test_the_last_evaluation_is_kept(blobs):
    validator = Validator(make_task_strategy(blobs, seed=0))
    result = validator(nn.Linear(5, 3))
    assert result.scores["accuracy"] == validator.last_evaluation.metrics["accuracy"]


def test_statistics_of_averaged_weights_are_recomputed(blobs):
    net = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 3))
    inputs = [torch.full((4, 5), 3.0), torch.full((4, 5), 5.0)]
    Validator(make_task_strategy(blobs, seed=0), lambda: inputs)(net)
    torch.testing.assert_close(net[0].running_mean, torch.full((5,), 4.0))
