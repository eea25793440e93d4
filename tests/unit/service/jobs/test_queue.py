from naiad.service.domain.job import Need
from naiad.service.jobs.queue import Place, WaitingLine
from naiad.service.jobs.scheduler import Waiting

NEED = Need(1, 1, 1)


def test_places_count_from_the_next_one_by_priority() -> None:
    line = WaitingLine()
    line.show([Waiting("early", NEED), Waiting("late", NEED), Waiting("urgent", NEED, priority=1)])
    assert [line.place_of(job) for job in ("urgent", "early", "late")] == [Place(1, 3), Place(2, 3), Place(3, 3)]
    assert str(line.place_of("late")) == "3 of 3 in the queue"


def test_who_does_not_wait_has_no_place() -> None:
    line = WaitingLine()
    assert line.place_of("one") is None
    line.show([Waiting("one", NEED)])
    line.show([])
    assert line.place_of("one") is None
