"""The time between SIGTERM and SIGKILL, which a job may set by a variable."""

from collections.abc import Mapping

from naiad.service.domain.errors import Invalid

_STOP_TIMEOUT_S = 120.0
_MAX_STOP_TIMEOUT_S = 3600.0


def stop_timeout_s(environment: Mapping[str, str]) -> float:
    """Raises Invalid."""
    text = environment.get("NAIAD_STOP_TIMEOUT_S", str(_STOP_TIMEOUT_S))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _MAX_STOP_TIMEOUT_S:
        raise Invalid(f"Environment's NAIAD_STOP_TIMEOUT_S is {text!r}: give seconds, 0 to {_MAX_STOP_TIMEOUT_S:.0f}")
    return seconds
