import pytest
import torch
from torch import nn

from naiad.trainer.data.dataset import Dataset, Split, Task, TensorSamples
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema
from naiad.trainer.data.findings import Findings


@pytest.fixture
def data():
    """Function that makes a dataset of eight random samples; a shape of three dimensions gives uint8 images."""
    return _make_dataset


def _make_dataset(shape, *, task=Task.CLASSIFICATION, classes=10):
    torch.manual_seed(1)
    is_image = len(shape) == 3
    inputs = torch.randint(0, 256, (8, *shape), dtype=torch.uint8) if is_image else torch.randn(8, *shape)
    targets = {
        Task.CLASSIFICATION: torch.arange(8) % classes,
        Task.REGRESSION: torch.randn(8),
        Task.CLUSTERING: None,
    }[task]
    split = Split(TensorSamples(inputs), targets, [f"index {index}" for index in range(8)])
    return Dataset(
        name="random",
        task=task,
        task_reason="set by the test",
        schema=ImageSchema(*shape) if is_image else ArraySchema(shape),
        features=ImageFeatures(torch.full(shape[:1], 128.0), torch.full(shape[:1], 64.0))
        if is_image
        else nn.Identity(),
        classes=tuple(f"class {index}" for index in range(classes)) if task is Task.CLASSIFICATION else (),
        target_name="target",
        train=split,
        validation=split,
        test=None,
        findings=Findings(),
    )
