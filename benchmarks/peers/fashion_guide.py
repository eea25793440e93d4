"""The guide's loop (examples/guide), a plain loop in PyTorch: python fashion_guide.py TASK.

settings: ``momentum``, ``schedule`` ("constant" or "one-cycle"), ``plain`` (true: ToTensor alone, as in the guide), and those
of fashion_torch.py. Needs torch and torchvision.
"""

import torch
from fashion_task import Predict, Task, run_task
from fashion_torch import SimpleNet, make_loader, make_predictor, total_steps
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import FashionMNIST
from train import train  # the guide's own; fashion_torch has put it on the path


class Scheduled:
    """An optimizer whose learning rate follows a schedule, for a loop without schedules."""

    def __init__(self, optimizer: torch.optim.Optimizer, *, peak: float, steps: int) -> None:
        self.optimizer = optimizer
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=peak, total_steps=steps)

    def zero_grad(self) -> None:
        self.optimizer.zero_grad()

    def step(self) -> None:
        self.optimizer.step()
        self.schedule.step()


def guide_loader(task: Task) -> DataLoader[tuple[Tensor, Tensor]]:
    data = FashionMNIST(task.root, train=True, transform=transforms.ToTensor())
    training_indices = task.training_indices()
    data = data if training_indices is None else torch.utils.data.Subset(data, training_indices.tolist())
    return DataLoader(data, batch_size=task.batch_size, shuffle=True)


def fit(task: Task) -> Predict:
    torch.manual_seed(task.seed)
    plain = bool(task.settings.get("plain"))
    batches = guide_loader(task) if plain else make_loader(task)
    task.mark_data_ready()
    net = SimpleNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=task.learning_rate, momentum=task.settings.get("momentum", 0.0))
    if task.settings.get("schedule") == "one-cycle":
        optimizer = Scheduled(optimizer, peak=task.learning_rate, steps=total_steps(task, batches))
    for epoch in range(1, task.epochs + 1):
        train(net, batches, optimizer, epoch)
    return make_predictor(Denormalised(net)) if plain else make_predictor(net)


class Denormalised(nn.Module):
    """Network that converts normalised images back to 0…1, the values that the guide trains on."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images * 0.3530 + 0.2860)


if __name__ == "__main__":
    run_task(fit)
