from naiad.service.domain.job import ResourceRequest
from naiad.service.jobs.queue import JobQueue, QueuePosition
from naiad.service.jobs.scheduler import WaitingJob

RESOURCES = ResourceRequest(1, 1, 1)


def test_positions_follow_priority_and_arrival() -> None:
    queue = JobQueue()
    queue.update(
        [WaitingJob("early", RESOURCES), WaitingJob("late", RESOURCES), WaitingJob("urgent", RESOURCES, priority=1)]
    )
    assert [queue.position_of(arn) for arn in ("urgent", "early", "late")] == [
        QueuePosition(1, 3),
        QueuePosition(2, 3),
        QueuePosition(3, 3),
    ]
    assert str(queue.position_of("late")) == "3 of 3 in the queue"


def test_a_job_that_does_not_wait_has_no_position() -> None:
    queue = JobQueue()
    assert queue.position_of("one") is None
    queue.update([WaitingJob("one", RESOURCES)])
    queue.update([])
    assert queue.position_of("one") is None
