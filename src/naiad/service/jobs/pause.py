"""The pause of a trial: its program stores a checkpoint at the end of an epoch, says so, and ends with a status of its own.

Only jobs of a tuning job pause, at the epochs that a hyperparameter names. The job then holds no cores and stays InProgress. It
goes on as a further attempt, from its checkpoint, when the tuning job promotes it.
"""

import datetime as dt
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from naiad.service.domain.job import Job
from naiad.service.domain.status import RUNNING_PHASES, WAITING_PHASES, Phase
from naiad.service.walls.program_files import read_text

PAUSE_EPOCHS = "_naiad_pause_at_epochs"
"""The hyperparameter that names the epochs after which the program pauses: ``1,3,9``."""
TUNING_ARN = "TuningJobArn"
"""The member of a stored request that names the tuning job. A request from outside cannot have it."""
_STATUS = os.EX_TEMPFAIL
_FILE = "output/naiad-pause.json"
_MAX_CHARS = 1_024
_MAX_EPOCH = 10**9
_PREFIX = "paused at epoch "


def may_pause(request: Mapping[str, Any]) -> bool:
    return TUNING_ARN in request and PAUSE_EPOCHS in request.get("HyperParameters", {})


def read_pause(status: int, ml: Path) -> int | None:
    """Returns the epoch at which a program that has ended with ``status`` has paused; None where it has not.

    ``ml``: the folder that the program sees as /opt/ml.
    """
    if status != _STATUS:
        return None
    try:
        epoch = json.loads(read_text(ml, _FILE, max_chars=_MAX_CHARS) or "{}")["paused_at"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return epoch if isinstance(epoch, int) and 0 < epoch < _MAX_EPOCH else None


def pause_message(epoch: int) -> str:
    """Returns the message of the report and of the transition. The store keeps it, and so the epoch."""
    return f"{_PREFIX}{epoch}"


def paused_epoch(job: Job) -> int | None:
    """Returns the epoch at which a job has paused last; None for one that never has."""
    for transition in reversed(job.transitions):
        number = transition.message.removeprefix(_PREFIX)
        if transition.phase is Phase.PAUSED and number.isdecimal():
            return int(number)
    return None


def seconds_before_pauses(job: Job) -> float:
    """Returns how long the attempts of a job that have paused have run: that counts for MaxRuntimeInSeconds."""
    total, attempt = dt.timedelta(), dt.timedelta()
    for past in job.transitions:
        if past.phase in RUNNING_PHASES and past.ended_at is not None:
            attempt += past.ended_at - past.started_at
        elif past.phase in WAITING_PHASES:
            total += attempt if past.phase is Phase.PAUSED else dt.timedelta()
            attempt = dt.timedelta()
    return total.total_seconds()
