"""Constraints between the values of a trial, as comparisons: ``width * depth <= 1024``, ``microbatch_size <= batch_size``.

The text is parsed and computed here, never evaluated as code: a study's file may come from elsewhere.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from naiad.errors import OptionError

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[object, object], bool]] = {
    ast.Lt: operator.lt,  # type: ignore[dict-item]  # reason: typeshed has it for what can be ordered
    ast.LtE: operator.le,  # type: ignore[dict-item]
    ast.Gt: operator.gt,  # type: ignore[dict-item]
    ast.GtE: operator.ge,  # type: ignore[dict-item]
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_LONGEST = 500


@dataclass(frozen=True)
class Constraint:
    """A comparison of names, numbers and quoted texts with + - * /. Raises OptionError for anything else."""

    text: str

    def __post_init__(self) -> None:
        _check(self._comparison, self.text)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(node.id for node in ast.walk(self._comparison) if isinstance(node, ast.Name))

    def is_met(self, values: Mapping[str, float | int | str]) -> bool:
        """Returns True also where a name has no value, as that of a dimension whose condition is not met."""
        if not self.names <= values.keys():
            return True
        terms = [_compute(term, values) for term in (self._comparison.left, *self._comparison.comparators)]
        try:
            return all(
                _COMPARISONS[type(compare)](one, other)
                for compare, one, other in zip(self._comparison.ops, terms, terms[1:], strict=False)
            )
        except TypeError:
            raise OptionError(f"the constraint {self.text!r} compares a number with a name") from None

    @cached_property
    def _comparison(self) -> ast.Compare:
        try:
            tree = ast.parse(self.text.strip(), mode="eval").body if len(self.text) <= _LONGEST else None
        except (SyntaxError, ValueError, RecursionError):
            tree = None
        if not isinstance(tree, ast.Compare):
            raise _error(self.text)
        return tree


def _check(comparison: ast.Compare, text: str) -> None:
    allowed = (ast.Compare, ast.BinOp, ast.UnaryOp, ast.USub, ast.Name, ast.Load, *_ARITHMETIC, *_COMPARISONS)
    for node in ast.walk(comparison):
        is_constant = isinstance(node, ast.Constant) and type(node.value) in (int, float, str)
        if not (is_constant or isinstance(node, allowed)):
            raise _error(text)


def _compute(node: ast.expr, values: Mapping[str, float | int | str]) -> float | str:
    match node:
        case ast.Constant(value=value):
            assert isinstance(value, int | float | str)
            return value
        case ast.Name(id=name):
            return _plain(values[name])
        case ast.UnaryOp(operand=operand):
            return -_number(_compute(operand, values))
        case ast.BinOp(left=left, op=operation, right=right):
            one, other = _number(_compute(left, values)), _number(_compute(right, values))
            if isinstance(operation, ast.Div) and other == 0:
                return float("inf")
            return _ARITHMETIC[type(operation)](one, other)
    raise AssertionError(node)


def _plain(value: float | str) -> float | str:
    """Returns the number that a category's name writes, else the name."""
    try:
        return float(value)
    except ValueError:
        return value


def _number(value: float | str) -> float:
    if isinstance(value, str):
        raise OptionError(f"a constraint computes with {value!r}, which is no number")
    return value


def _error(text: str) -> OptionError:
    return OptionError(
        f"the constraint {text!r} is no comparison of names and numbers", hint="for example 'width * depth <= 1024'"
    )
