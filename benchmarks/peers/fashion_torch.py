"""What the peers on torch share: the network, the two ways to feed it, and how it is asked. No Naiad.

settings: ``feed`` is "documented" (torchvision's dataset, an image at a time) or "tensors" (normalised once, held in memory);
``workers`` is the loader's.
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

__all__ = ["GUIDE", "SimpleNet", "loader", "normalised", "predictor", "steps_of"]
MEAN, DEVIATION = 0.2860, 0.3530


def normalised(images: np.ndarray) -> Tensor:
    """uint8 (N, 28, 28) → float32 (N, 1, 28, 28)."""
    return (torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1).float() / 255 - MEAN) / DEVIATION


def loader(task: Task) -> DataLoader[tuple[Tensor, Tensor]]:
    data: Dataset[tuple[Tensor, Tensor]]
    if task.settings.get("feed", "documented") == "tensors":
        images, labels = task.training()
        data = TensorDataset(normalised(images), torch.from_numpy(labels))
    else:
        steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (DEVIATION,))])
        data = FashionMNIST(task.root, train=True, transform=steps)
        chosen = task.chosen()
        data = data if chosen is None else Subset(data, chosen.tolist())
    workers = int(task.settings.get("workers", 0))
    return DataLoader(
        data, batch_size=task.batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )


def steps_of(task: Task, batches: DataLoader[tuple[Tensor, Tensor]]) -> int:
    return task.epochs * len(batches)


def predictor(net: nn.Module) -> Predict:
    @torch.no_grad()
    def predict(images: np.ndarray) -> np.ndarray:
        net.eval()
        return torch.cat([net(part) for part in normalised(images).split(1_000)]).argmax(1).numpy()

    return predict
