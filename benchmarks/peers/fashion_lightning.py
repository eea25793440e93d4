"""PyTorch Lightning in its documented style: python fashion_lightning.py TASK.

A LightningModule with Adam and a Trainer with a DataLoader, without the logger, bar and checkpoints of its quickstart.
settings: ``schedule`` ("constant" or "one-cycle", stepped as its documentation shows), and those of fashion_torch.py.
Needs pytorch-lightning.
"""

import logging
import warnings

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from fashion_task import Predict, Task, run_task
from fashion_torch import SimpleNet, make_loader, make_predictor
from torch import Tensor


class Shoes(pl.LightningModule):
    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.net = SimpleNet()

    def training_step(self, batch: tuple[Tensor, Tensor], _number: int) -> Tensor:
        images, labels = batch
        return F.cross_entropy(self.net(images), labels)

    def configure_optimizers(self) -> object:
        optimizer = torch.optim.Adam(self.parameters(), lr=self.task.learning_rate)
        if self.task.settings.get("schedule") != "one-cycle":
            return optimizer
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=self.task.learning_rate, total_steps=int(self.trainer.estimated_stepping_batches)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def fit(task: Task) -> Predict:
    pl.seed_everything(task.seed, verbose=False)
    batches = make_loader(task)
    task.mark_data_ready()
    model = Shoes(task)
    trainer = pl.Trainer(
        max_epochs=task.epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(model, batches)
    return make_predictor(model.net)


if __name__ == "__main__":
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    run_task(fit)
