"""fastai in its documented style, with PyTorch's loaders as its page "Plain PyTorch" shows: python fashion_fastai.py TASK.

Learner.fit_one_cycle with its own Adam; without the bar, output and validation of its quickstart, which take time.
settings: those of fashion_torch.py. Needs fastai.
"""

from fashion_task import Predict, Task, run_task
from fashion_torch import SimpleNet, make_loader, make_predictor
from fastai.callback.core import Callback, CancelValidException
from fastai.callback.schedule import Learner  # the Learner that has fit_one_cycle
from fastai.data.core import DataLoaders
from fastai.losses import CrossEntropyLossFlat
from fastai.optimizer import Adam
from fastai.torch_core import set_seed


class NoValidation(Callback):
    def before_validate(self) -> None:
        raise CancelValidException


def fit(task: Task) -> Predict:
    set_seed(task.seed)
    batches = make_loader(task)
    task.mark_data_ready()
    loaders = DataLoaders(batches, batches, device="cpu")
    learner = Learner(
        loaders, SimpleNet(), loss_func=CrossEntropyLossFlat(), opt_func=Adam, lr=task.learning_rate, cbs=NoValidation()
    )
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(task.epochs, task.learning_rate)
    return make_predictor(learner.model)


if __name__ == "__main__":
    run_task(fit)
