"""skorch in its documented style: python fashion_skorch.py TASK.

NeuralNetClassifier on arrays in memory with Adam; without the validation and the output of its quickstart, which take time.
settings: ``schedule`` ("constant" or "one-cycle", by its LRScheduler). Needs skorch.
"""

import torch
from fashion_task import Predict, Task, run_task
from fashion_torch import SimpleNet, normalise
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from torch import nn


def fit(task: Task) -> Predict:
    torch.manual_seed(task.seed)
    images, labels = task.training_data()
    inputs = normalise(images).numpy()
    task.mark_data_ready()
    callbacks = []
    if task.settings.get("schedule") == "one-cycle":
        steps = task.epochs * -(-len(labels) // task.batch_size)
        policy = torch.optim.lr_scheduler.OneCycleLR
        callbacks = [LRScheduler(policy=policy, step_every="batch", max_lr=task.learning_rate, total_steps=steps)]
    net = NeuralNetClassifier(
        SimpleNet, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=task.learning_rate,
        batch_size=task.batch_size, max_epochs=task.epochs, iterator_train__shuffle=True, train_split=None,
        callbacks=callbacks, verbose=0,
    )  # fmt: skip
    net.fit(inputs, labels)
    return lambda images: net.predict(normalise(images).numpy())


if __name__ == "__main__":
    run_task(fit)
