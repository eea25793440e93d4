"""The reason of a choice's value: a sentence for people, and what was measured for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """The result of one value that was tried for a choice, with units."""

    value: str
    result: str


@dataclass(frozen=True)
class Reason:
    text: str
    measured: str | None = None
    """The measurement that the choice was made by, with units; None where there was none."""
    measurements: tuple[Measurement, ...] = ()
    """The results of all values that were tried, in order; the value that was chosen is among them."""

    def format_measurements(self) -> str:
        """All measurements in one line."""
        results = [f"{one.value}: {one.result}" for one in self.measurements]
        return "; ".join([self.measured, *results] if self.measured else results)


def count_noun(number: int, noun: str) -> str:
    """Returns ``1 epoch`` or ``2,000 epochs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


SET_BY_USER = Reason("set by the user")
