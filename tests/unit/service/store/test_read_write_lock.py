from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from naiad.service.store.read_write_lock import OpenGate, TurnGate


def test_readers_are_in_together():
    gate = TurnGate()
    with gate.reading(), gate.reading():
        pass


def test_a_commit_waits_for_readers_and_new_readers_for_the_commit():
    gate, order = TurnGate(), []
    asked = Event()

    def commit():
        asked.set()
        with gate.committing():
            order.append("commit")

    def read_late():
        with gate.reading():
            order.append("late reader")

    with ThreadPoolExecutor(2) as pool:
        with gate.reading():
            committing = pool.submit(commit)
            assert asked.wait(10)
            while not gate._is_shut:
                pass
            late = pool.submit(read_late)
            order.append("early reader")
        committing.result(10)
        late.result(10)
    assert order == ["early reader", "commit", "late reader"]


@pytest.mark.parametrize("side", ["reading", "committing"])
def test_an_error_inside_leaves_the_gate_open(side):
    gate = TurnGate()
    with pytest.raises(KeyError), getattr(gate, side)():
        raise KeyError
    with gate.committing():
        pass
    with gate.reading():
        pass


def test_the_open_gate_lets_all_in():
    gate = OpenGate()
    with gate.reading(), gate.committing(), gate.reading():
        pass
