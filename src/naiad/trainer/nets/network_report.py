"""Report on a network before its run: the kind of its outputs, and what the user should know about it."""

from dataclasses import dataclass, field

from torch import Tensor, nn

from naiad.errors import NetworkError
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.findings import MAX_EXAMPLES, Action, Finding, Findings
from naiad.trainer.nets.network_output import (
    LOGITS,
    SIGMOID,
    SIGMOID_IN_EVAL,
    SOFTMAX,
    SOFTMAX_IN_EVAL,
    combine_kinds,
    is_softmax_over_batch,
    output_kind,
)
from naiad.trainer.nets.training_trial import TrainingTrial

_OUTPUT_MESSAGES = {
    SOFTMAX: "the network gives probabilities, by a softmax at its end: they are turned back into logits, for the loss too",
    SIGMOID: "the network gives a probability for each class, by a sigmoid at its end: they are turned back into logits",
    SOFTMAX_IN_EVAL: "the network gives probabilities in eval mode only: there they are turned back into logits",
    SIGMOID_IN_EVAL: "the network gives a probability for each class in eval mode only: there they are turned back into logits",
}
_BOUNDED = {
    "Relu": "a ReLU",
    "Sigmoid": "a sigmoid",
    "Tanh": "a tanh",
    "Hardtanh": "a clamp",
    "Hardsigmoid": "a sigmoid",
    "Clamp": "a clamp",
    "Softplus": "a softplus",
    "Softmax": "a softmax",
    "LogSoftmax": "a log-softmax",
    "LogSigmoid": "a log-sigmoid",
    "Exp": "an exponential",
}
"""Last operations whose values have a bound, by the beginning of autograd's name."""
_LOG_PROBABILITIES = frozenset({"LogSoftmax", "LogSigmoid"})
_LARGEST_START = 10.0
"""Size of a regression's values before training, in deviations of the targets, up to which it is no mistake."""


@dataclass(frozen=True)
class NetworkReport:
    output: str = LOGITS
    """Kind of the outputs for each class (see ``network_output.py``); logits for other tasks."""
    findings: Findings = field(default_factory=Findings)


def report_network(net: nn.Module, task: Task, eval_output: Tensor, trial: TrainingTrial | None) -> NetworkReport:
    """Returns the report on a network that was tried. trial: None where it could not be tried in training mode.

    Raises NetworkError for outputs that make no sense.
    """
    name = type(net).__name__
    findings = _report_unreached(net, trial) if trial is not None else Findings()
    if task is not Task.CLASSIFICATION:
        return NetworkReport(LOGITS, findings + _report_values(task, eval_output, trial))
    if is_softmax_over_batch(eval_output):
        raise NetworkError(
            f"{name} ends in a softmax over the samples of a batch, so a sample's scores depend on the others",
            hint="take the softmax over the classes, dim=1, or leave it out",
        )
    kind = _combined_kind(name, eval_output, trial)
    message = _OUTPUT_MESSAGES.get(kind)
    if message is not None:
        findings += _told("network-output", f"{message}; plan={{'network_output': 'logits'}} takes them as they are")
    if kind == LOGITS and trial is not None:
        findings += _report_bounded_logits(trial)
    return NetworkReport(kind, findings)


def _combined_kind(name: str, eval_output: Tensor, trial: TrainingTrial | None) -> str:
    eval_kind = output_kind(eval_output, trial.eval_operation if trial is not None else "")
    training_kind = output_kind(trial.output, trial.operation) if trial is not None else eval_kind
    kind = combine_kinds(training_kind, eval_kind)
    if kind is None:
        raise NetworkError(
            f"{name} ends in a {training_kind} in training mode and gives {eval_kind} in eval mode",
            hint="return logits in both modes",
        )
    return kind


def _report_unreached(net: nn.Module, trial: TrainingTrial) -> Findings:
    if not trial.unreached:
        return Findings()
    total = sum(parameter.requires_grad for parameter in net.parameters())
    message = (
        f"no gradient reached {len(trial.unreached)} of the network's {total} parameters in a trial step: "
        f"they are not learnt, unless other samples use them"
    )
    return _told("no-gradient", message, trial.unreached)


def _report_bounded_logits(trial: TrainingTrial) -> Findings:
    """Reports the end of a classifier that keeps its scores from growing, so that no class can be certain."""
    operation = trial.operation.partition("Backward")[0]
    if operation not in _BOUNDED or operation in _LOG_PROBABILITIES:
        return Findings()
    message = (
        f"the network ends in {_BOUNDED[operation]}, which bounds the score of each class: "
        f"remove it, for a classifier's scores are logits, of any size and sign"
    )
    return _told("bounded-output", message)


def _report_values(task: Task, eval_output: Tensor, trial: TrainingTrial | None) -> Findings:
    """Reports the end of a regression network that cannot give every value, and one that scales its values by itself."""
    if task is not Task.REGRESSION:
        return Findings()
    learnt = "while targets are learnt with mean 0 and deviation 1"
    operation = trial.bounded_by.partition("Backward")[0] if trial is not None else ""
    if operation in _BOUNDED:
        message = f"the network ends in {_BOUNDED[operation]}, so it cannot give every value, {learnt}"
        return _told("bounded-output", f"{message}: remove it, for some targets are out of reach")
    size = float(eval_output.detach().abs().median())
    if size > _LARGEST_START:
        message = f"the network gives values of about {size:.3g} before any training, {learnt}"
        return _told("large-output", f"{message}: leave out a scale or an offset of its own at its end")
    return Findings()


def _told(kind: str, message: str, names: tuple[str, ...] = ()) -> Findings:
    return Findings((Finding(kind, "train", max(1, len(names)), Action.REPORTED, message, names[:MAX_EXAMPLES]),))
