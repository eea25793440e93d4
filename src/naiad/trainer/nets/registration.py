"""Finds layers and weights that a network uses and torch does not know of: they are neither learnt nor saved."""

from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor, nn

from naiad.trainer.data.findings import MAX_EXAMPLES, Action, Finding, Findings

_MESSAGE = (
    "layers or weights in plain attributes: they are neither learnt nor saved; "
    "keep layers in nn.ModuleList or nn.ModuleDict, and weights as nn.Parameter"
)


def report_unregistered(net: nn.Module) -> Findings:
    """Reports layers in a list, tuple or dict, and tensors that require gradients, which are no parameters of ``net``."""
    known = {id(each) for each in (*net.modules(), *net.parameters())}
    own = vars(nn.Module()).keys()
    names = [
        f"{name}.{attribute}".removeprefix(".")
        for name, module in net.named_modules()
        for attribute, value in vars(module).items()
        if attribute not in own and any(id(each) not in known for each in _learnable(value))
    ]
    if not names:
        return Findings()
    return Findings(
        (Finding("unregistered-layers", "train", len(names), Action.REPORTED, _MESSAGE, tuple(names[:MAX_EXAMPLES])),)
    )


def _learnable(value: object) -> Iterator[object]:
    """Yields the layers with parameters, and the tensors that are to be learnt, in an attribute's value."""
    items: Iterable[object] = (value,)
    if isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, list | tuple):
        items = value
    for item in items:
        is_weight = isinstance(item, Tensor) and item.requires_grad and item.is_leaf
        if is_weight or (isinstance(item, nn.Module) and any(each.requires_grad for each in item.parameters())):
            yield item
