"""One epoch of training: forward, loss, backward, update."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim import Optimizer


def train(model: nn.Module, data_loader: Iterable[tuple[Tensor, Tensor]], optimizer: Optimizer, epoch: int) -> float:
    """Returns the mean loss over the samples."""
    criterion = nn.CrossEntropyLoss()
    total_loss, samples = 0.0, 0
    model.train()
    for images, labels in data_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(labels)
        samples += len(labels)
    print(f"epoch {epoch}: training loss {total_loss / samples:.4f}")
    return total_loss / samples
