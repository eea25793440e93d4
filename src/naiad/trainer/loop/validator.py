"""The scores of a network on the validation split at the end of each epoch, and its last evaluation."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from naiad.trainer.loop.loop import ValidationResult
from naiad.trainer.loop.task_strategy import TaskStrategy
from naiad.trainer.model.evaluate import Evaluation
from naiad.trainer.optim.batchnorm import recompute_statistics


@dataclass
class Validator:
    strategy: TaskStrategy
    batchnorm_inputs: Callable[[], Iterable[Tensor]] | None = None
    """Inputs for the BatchNorm statistics of averaged weights, which no step has seen; None where the weights have their own."""
    last_evaluation: Evaluation | None = None
    """The latest evaluation, for the test of the model that has the same weights."""

    def __call__(self, net: nn.Module) -> ValidationResult:
        if self.batchnorm_inputs is not None:
            recompute_statistics(net, self.batchnorm_inputs())
        result = self.strategy.validate(net)
        self.last_evaluation = result.evaluation
        return result
