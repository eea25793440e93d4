"""The chores of a server: each after its interval, whatever becomes of the others."""

import threading

from naiad.errors import FolderError
from naiad.service.upkeep import Chore, Upkeep


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def test_chores_are_repeated_after_their_intervals():
    clock, done = Clock(), []
    upkeep = Upkeep(
        [
            Chore("often", 1.0, lambda: done.append("often")),
            Chore("late", 10.0, lambda: done.append("late"), first_after_s=3.0),
        ],
        clock_s=clock,
    )
    assert upkeep.run_due() == 1.0
    clock.now_s += 2.5
    assert upkeep.run_due() == 0.5
    clock.now_s += 0.5
    upkeep.run_due()
    assert done == ["often", "often", "late"]


def test_the_trouble_of_a_chore_holds_up_no_other():
    clock, done = Clock(), []

    def fail(error):
        done.append(type(error).__name__)
        raise error

    errors = (OSError("disk"), FolderError("folder"), KeyError("bug"))
    chores = [Chore(f"chore {number}", 1.0, lambda error=error: fail(error)) for number, error in enumerate(errors)]
    upkeep = Upkeep(chores, clock_s=clock)
    upkeep.run_due()
    clock.now_s += 1.0
    upkeep.run_due()
    assert done == ["OSError", "FolderError", "KeyError"] * 2


def test_it_ends_when_it_is_stopped():
    def stop():
        upkeep.stop()

    upkeep = Upkeep([Chore("stops", 1.0, stop)])
    thread = threading.Thread(target=upkeep.run)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert upkeep.is_stopping
    Upkeep([]).stop()
