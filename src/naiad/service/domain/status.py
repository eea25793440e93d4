"""A job's life: its statuses, its phases, and the moves between them.

    PENDING → STARTING → DOWNLOADING → TRAINING → UPLOADING → COMPLETED | FAILED | STOPPED | MAX_…_EXCEEDED

A job that loses its machine goes back from any running phase to PENDING, for another attempt. Values are AWS's words
(``TrainingJobStatus`` and ``SecondaryStatus``), for processing jobs too.
"""

from enum import StrEnum


class Status(StrEnum):
    IN_PROGRESS = "InProgress"  # accepted, and not at its end yet
    STOPPING = "Stopping"  # asked to stop; the program has up to two minutes
    COMPLETED = "Completed"  # the program ended with status 0 and its outputs are stored
    FAILED = "Failed"  # failure_reason tells why
    STOPPED = "Stopped"  # it ended after it was asked to; what it had written is stored

    @property
    def is_final(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.STOPPED)


class Phase(StrEnum):
    PENDING = "Pending"  # waits for cores and memory
    STARTING = "Starting"  # placed; its agents are being started
    DOWNLOADING = "Downloading"  # its channels are being fetched
    TRAINING = "Training"  # its program runs
    UPLOADING = "Uploading"  # its outputs are being stored
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"  # stopped by its own time limit
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"  # stopped by the limit that counts its waiting too


RUNNING = (Phase.STARTING, Phase.DOWNLOADING, Phase.TRAINING, Phase.UPLOADING)
BY_A_LIMIT = (Phase.MAX_RUNTIME_EXCEEDED, Phase.MAX_WAIT_TIME_EXCEEDED)
_ENDS = (Phase.COMPLETED, Phase.FAILED, Phase.STOPPED, *BY_A_LIMIT)

MOVES: dict[Phase, tuple[Phase, ...]] = {
    Phase.PENDING: (Phase.STARTING, Phase.STOPPED, Phase.FAILED, Phase.MAX_WAIT_TIME_EXCEEDED),
    Phase.STARTING: (Phase.DOWNLOADING, Phase.TRAINING, Phase.UPLOADING, Phase.STOPPING, Phase.PENDING, *_ENDS),
    Phase.DOWNLOADING: (Phase.TRAINING, Phase.UPLOADING, Phase.STOPPING, Phase.PENDING, *_ENDS),
    Phase.TRAINING: (Phase.UPLOADING, Phase.STOPPING, Phase.PENDING, *_ENDS),
    Phase.UPLOADING: (Phase.STOPPING, Phase.PENDING, *_ENDS),
    Phase.STOPPING: _ENDS,
    Phase.COMPLETED: (),
    Phase.FAILED: (),
    Phase.STOPPED: (),
    Phase.MAX_RUNTIME_EXCEEDED: (),
    Phase.MAX_WAIT_TIME_EXCEEDED: (),
}

STATUS_OF: dict[Phase, Status] = {
    **dict.fromkeys((Phase.PENDING, *RUNNING), Status.IN_PROGRESS),
    Phase.STOPPING: Status.STOPPING,
    Phase.COMPLETED: Status.COMPLETED,
    Phase.FAILED: Status.FAILED,
    Phase.STOPPED: Status.STOPPED,
    **dict.fromkeys(BY_A_LIMIT, Status.STOPPED),
}
