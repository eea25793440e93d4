"""Checks of what a network is made with. Each gives its value back, and raises OptionError unless it says otherwise."""

from collections.abc import Iterable, Sequence

from naiad.errors import NetworkError, OptionError, nearest


def at_least(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise OptionError(f"{name} takes a whole number, given {value!r}")
    if value < least:
        raise OptionError(f"{name} must be at least {least}, given {value}")
    return value


def fraction(name: str, value: float) -> float:
    """0 or more and less than 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{name} takes a number, given {value!r}")
    if not 0 <= value < 1:
        raise OptionError(f"{name} must be 0 or more and less than 1, given {value:g}")
    return float(value)


def positive(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{name} takes a number, given {value!r}")
    if not 0 < value < float("inf"):
        raise OptionError(f"{name} must be more than 0 and finite, given {value:g}")
    return float(value)


def one_of(name: str, value: str, known: Iterable[str]) -> str:
    names = tuple(known)
    if value not in names:
        raise OptionError(f"{name} {value!r} is not known", hint=nearest(str(value), names))
    return value


def widths(name: str, values: Sequence[int], *, least_count: int = 0) -> tuple[int, ...]:
    """A width a layer."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise OptionError(f"{name} takes a list of whole numbers, given {values!r}")
    if len(values) < least_count:
        raise OptionError(f"{name} must name at least {least_count} layers, given {len(values)}")
    return tuple(at_least(name, value, 1) for value in values)


def image_shape(input_shape: Sequence[int], network: str, *, least_side: int = 1) -> tuple[int, int, int]:
    """(C, H, W). Raises NetworkError when it is no such shape or an image smaller than ``least_side``."""
    shape = tuple(input_shape)
    if len(shape) != 3:
        raise NetworkError(
            f"{network} takes images (C, H, W), the data has shape {shape}", hint="None has a network chosen"
        )
    if min(shape[1:]) < least_side:
        raise NetworkError(
            f"{network} takes images of {least_side}×{least_side} or more, the data has {shape[1]}×{shape[2]}",
            hint=f"image_size={least_side} enlarges them, or try net='mlp'",
        )
    return shape[0], shape[1], shape[2]
