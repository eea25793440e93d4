"""Watchdog: stops replicas that hang, and invocations that take too long."""

import logging

from naiad.service.endpoints.serving.invocation import Invocation, error_response
from naiad.service.endpoints.serving.replica import Replica

_LOG = logging.getLogger(__name__)
_GRACE_S = 1.0
"""Time beyond a timeout for a worker that watches it itself. After that the server acts, and replaces the replica."""
_MAX_PAUSE_S = 60.0
"""After so long without reading, the client of a stream is taken to have gone."""


def stop_overdue(replica: Replica, now: float) -> None:
    """Checks a replica that has invocations. now: on the monotonic clock.

    The oldest invocation is the one that the replica works on; the time of the others begins when that one is answered.
    """
    if replica.heartbeat is not None and replica.heartbeat.is_hung(now):
        _LOG.warning("replica %s hangs: it is killed, and its invocations go to another", replica.name)
        replica.kill()
        return
    oldest = next(iter(replica.in_flight))
    for frame_id, invocation in list(replica.in_flight.items()):
        if invocation.stream is not None and invocation.stream.paused_at is not None:
            if now - invocation.stream.paused_at > _MAX_PAUSE_S:
                message = f"the client read nothing for {_MAX_PAUSE_S:g} s"
                replica.stop_invocation(frame_id, error_response(424, message))
        elif frame_id == oldest:
            _check_oldest(replica, frame_id, invocation, now)
        elif now - invocation.sent_at > invocation.timeout_s + _GRACE_S and invocation.stream is None:
            message = "the model was busy with other requests for too long"
            replica.stop_invocation(frame_id, error_response(503, message))


def _check_oldest(replica: Replica, frame_id: int, invocation: Invocation, now: float) -> None:
    started_at = max(invocation.sent_at, replica.last_message_at)
    if now - started_at > invocation.timeout_s + _GRACE_S:
        replica.kill()
        message = f"the model did not answer within {invocation.timeout_s:g} s"
        replica.stop_invocation(frame_id, error_response(424, message))
