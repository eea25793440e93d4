"""The network, the two data loaders and the predictor that peers on torch share. No Naiad.

settings: ``feed`` is "documented" (torchvision's dataset, one image at a time) or "tensors" (normalised once, in memory);
``workers`` is the number of the loader's workers.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from fashion_task import Predict, Task
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset
from torchvision import transforms
from torchvision.datasets import FashionMNIST

GUIDE = Path(__file__).resolve().parents[2] / "examples" / "guide"
sys.path.append(str(GUIDE))
from net import SimpleNet  # noqa: E402  # reason: the guide's own file, found by the line above

__all__ = ["GUIDE", "SimpleNet", "make_loader", "make_predictor", "normalise", "total_steps"]
MEAN, DEVIATION = 0.2860, 0.3530


def normalise(images: np.ndarray) -> Tensor:
    """Converts uint8 (N, 28, 28) to float32 (N, 1, 28, 28)."""
    return (torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1).float() / 255 - MEAN) / DEVIATION


def make_loader(task: Task) -> DataLoader[tuple[Tensor, Tensor]]:
    data: Dataset[tuple[Tensor, Tensor]]
    if task.settings.get("feed", "documented") == "tensors":
        images, labels = task.training_data()
        data = TensorDataset(normalise(images), torch.from_numpy(labels))
    else:
        steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (DEVIATION,))])
        data = FashionMNIST(task.root, train=True, transform=steps)
        training_indices = task.training_indices()
        data = data if training_indices is None else Subset(data, training_indices.tolist())
    workers = int(task.settings.get("workers", 0))
    return DataLoader(
        data, batch_size=task.batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )


def total_steps(task: Task, batches: DataLoader[tuple[Tensor, Tensor]]) -> int:
    return task.epochs * len(batches)


def make_predictor(net: nn.Module) -> Predict:
    @torch.no_grad()
    def predict(images: np.ndarray) -> np.ndarray:
        net.eval()
        return torch.cat([net(batch) for batch in normalise(images).split(1_000)]).argmax(1).numpy()

    return predict
