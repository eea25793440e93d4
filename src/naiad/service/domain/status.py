"""The life of a job: its statuses, its phases, and the moves between phases.

    PENDING → STARTING → DOWNLOADING → TRAINING → UPLOADING → COMPLETED | FAILED | STOPPED | MAX_…_EXCEEDED

A job that loses its machine goes from any running phase back to PENDING, for another attempt. A trial of a tuning job may be
PAUSED: it holds no cores, and goes on as a further attempt when it is promoted. The values are AWS's words
(``TrainingJobStatus`` and ``SecondaryStatus``); processing and transform jobs use the same.
"""

from enum import StrEnum


class Status(StrEnum):
    IN_PROGRESS = "InProgress"  # accepted, and not ended yet
    STOPPING = "Stopping"  # a stop was requested; the program has up to two minutes
    COMPLETED = "Completed"  # the program ended with exit status 0 and its outputs are stored
    FAILED = "Failed"  # failure_reason says why
    STOPPED = "Stopped"  # it ended after a stop request; what it had written is stored

    @property
    def is_final(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.STOPPED)


class Phase(StrEnum):
    PENDING = "Pending"  # waits for cores and memory
    STARTING = "Starting"  # placed; its agents are being started
    DOWNLOADING = "Downloading"  # its channels are being fetched
    TRAINING = "Training"  # its program runs
    UPLOADING = "Uploading"  # its outputs are being stored
    PAUSED = "Interrupted"  # its program has stored a checkpoint and ended, to go on later
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"  # stopped by the limit of its running time
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"  # stopped by the limit that counts waiting too


RUNNING_PHASES = (Phase.STARTING, Phase.DOWNLOADING, Phase.TRAINING, Phase.UPLOADING)
WAITING_PHASES = (Phase.PENDING, Phase.PAUSED)
"""The phases of a job that has not ended and holds no cores."""
LIMIT_PHASES = (Phase.MAX_RUNTIME_EXCEEDED, Phase.MAX_WAIT_TIME_EXCEEDED)
_FINAL_PHASES = (Phase.COMPLETED, Phase.FAILED, Phase.STOPPED, *LIMIT_PHASES)

_NOT_RUNNING = (*WAITING_PHASES, *_FINAL_PHASES)

MOVES: dict[Phase, tuple[Phase, ...]] = {
    Phase.PENDING: (Phase.STARTING, Phase.STOPPED, Phase.FAILED, Phase.MAX_WAIT_TIME_EXCEEDED),
    Phase.STARTING: (Phase.DOWNLOADING, Phase.TRAINING, Phase.UPLOADING, Phase.STOPPING, *_NOT_RUNNING),
    Phase.DOWNLOADING: (Phase.TRAINING, Phase.UPLOADING, Phase.STOPPING, *_NOT_RUNNING),
    Phase.TRAINING: (Phase.UPLOADING, Phase.STOPPING, *_NOT_RUNNING),
    Phase.UPLOADING: (Phase.STOPPING, *_NOT_RUNNING),
    Phase.PAUSED: (Phase.PENDING, Phase.STOPPED, Phase.FAILED, Phase.MAX_WAIT_TIME_EXCEEDED),
    Phase.STOPPING: _FINAL_PHASES,
    **dict.fromkeys(_FINAL_PHASES, ()),
}

STATUS_OF: dict[Phase, Status] = {
    **dict.fromkeys((*WAITING_PHASES, *RUNNING_PHASES), Status.IN_PROGRESS),
    Phase.STOPPING: Status.STOPPING,
    Phase.COMPLETED: Status.COMPLETED,
    Phase.FAILED: Status.FAILED,
    Phase.STOPPED: Status.STOPPED,
    **dict.fromkeys(LIMIT_PHASES, Status.STOPPED),
}
