"""Checks of a network's options. Each returns its value, and raises OptionError unless it says otherwise."""

from collections.abc import Iterable, Sequence

from naiad.errors import NetworkError, OptionError, did_you_mean


def check_at_least(name: str, value: int, minimum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise OptionError(f"{name} takes a whole number, given {value!r}")
    if value < minimum:
        raise OptionError(f"{name} must be at least {minimum}, given {value}")
    return value


def check_fraction(name: str, value: float) -> float:
    """Checks for 0 or more and less than 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{name} takes a number, given {value!r}")
    if not 0 <= value < 1:
        raise OptionError(f"{name} must be 0 or more and less than 1, given {value:g}")
    return float(value)


def check_choice(name: str, value: str, known: Iterable[str]) -> str:
    names = tuple(known)
    if value not in names:
        raise OptionError(f"{name} {value!r} is not known", hint=did_you_mean(str(value), names))
    return value


def check_widths(name: str, values: Sequence[int], *, min_count: int = 0) -> tuple[int, ...]:
    """Checks for whole numbers of 1 or more, at least ``min_count`` of them."""
    widths = check_whole_numbers(name, values, minimum=1)
    if len(widths) < min_count:
        raise OptionError(f"{name} must name at least {min_count} layers, given {len(widths)}")
    return widths


def check_whole_numbers(name: str, values: Sequence[int], *, minimum: int) -> tuple[int, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise OptionError(f"{name} takes a list of whole numbers, given {values!r}")
    return tuple(check_at_least(name, value, minimum) for value in values)


def check_image_shape(input_shape: Sequence[int], network: str, *, min_side: int = 1) -> tuple[int, int, int]:
    """Checks for (C, H, W) with sides of ``min_side`` or more. Raises NetworkError that names the ``network``."""
    shape = tuple(input_shape)
    if len(shape) != 3:
        raise NetworkError(
            f"{network} takes images (C, H, W), the data has shape {shape}",
            hint="net=None chooses a network for the data",
        )
    if min(shape[1:]) < min_side:
        raise NetworkError(
            f"{network} takes images of {min_side}×{min_side} or more, the data has {shape[1]}×{shape[2]}",
            hint=f"image_size={min_side} enlarges them, or try net='mlp'",
        )
    return shape[0], shape[1], shape[2]
