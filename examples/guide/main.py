"""Trains the guide's SimpleNet on Fashion-MNIST and tests it: `python examples/guide/main.py`."""

import argparse
import gzip
import shutil
from pathlib import Path

import torch
from net import SimpleNet
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms
from torchvision.datasets import FashionMNIST
from train import train

DEBIAN_FILES = Path("/usr/share/datasets/fashion-mnist")
"""Folder of the four IDX files that Debian's package dataset-fashion-mnist installs."""
CACHE = Path.home() / ".cache" / "naiad-guide"
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@torch.no_grad()
def test(model: nn.Module, data_loader: DataLoader[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Returns the mean loss and the accuracy over all samples."""
    criterion = nn.CrossEntropyLoss(reduction="sum")
    total_loss, correct, samples = 0.0, 0, 0
    model.eval()
    for images, labels in data_loader:
        logits = model(images)
        total_loss += criterion(logits, labels).item()
        correct += int((logits.argmax(dim=1) == labels).sum())
        samples += len(labels)
    return total_loss / samples, correct / samples


def loaders(files: Path | None = None, *, limit: int | None = None) -> tuple[DataLoader, DataLoader]:
    """Returns the training and test batches, of 32 images each.

    files: a folder with the four IDX files, plain or gzipped; None uses Debian's, or has torchvision download them.
    limit: largest number of images of each split; None is all.
    """
    root = unpack(files or DEBIAN_FILES, CACHE if files is None else files / "unpacked")
    to_tensor = transforms.ToTensor()
    train_set = FashionMNIST(root, train=True, transform=to_tensor, download=files is None)
    test_set = FashionMNIST(root, train=False, transform=to_tensor, download=files is None)
    return (
        DataLoader(take_first(train_set, limit), batch_size=32, shuffle=True),
        DataLoader(take_first(test_set, limit), batch_size=32),
    )


def unpack(files: Path, root: Path) -> Path:
    """Copies ``files``, unzipped, to where torchvision's FashionMNIST looks for them under ``root``. Returns ``root``."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        plain, zipped = files / name, files / f"{name}.gz"
        if not (raw / name).is_file() and (plain.is_file() or zipped.is_file()):
            partial = raw / f"{name}.partial"
            with plain.open("rb") if plain.is_file() else gzip.open(zipped) as source, partial.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            partial.replace(raw / name)
    return root


def take_first(dataset: Dataset, limit: int | None) -> Dataset:
    return dataset if limit is None else Subset(dataset, range(min(limit, len(dataset))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--data", type=Path, help="a folder with the four IDX files (default: Debian's, or downloaded)")
    parser.add_argument("--limit", type=int, help="use at most this many images of each split")
    options = parser.parse_args()
    missing = [name for name in FILES if options.data and not list(options.data.glob(f"{name}*"))]
    if missing:
        parser.error(f"{options.data} lacks {', '.join(missing)}")

    torch.manual_seed(0)
    train_loader, test_loader = loaders(options.data, limit=options.limit)
    model = SimpleNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(1, options.epochs + 1):
        train(model, train_loader, optimizer, epoch)
    loss, accuracy = test(model, test_loader)
    print(f"test loss {loss:.4f}, test accuracy {accuracy:.1%}")


if __name__ == "__main__":
    main()
