"""Signals are heard, once, and only inside the block."""

import os
import signal
import threading

import pytest

from naiad.errors import Stopped
from naiad.trainer.loop.stopping import listening


@pytest.fixture(autouse=True)
def usual_handlers():
    """A shell starts what is in the background with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heard_and_the_handler_put_back(number):
    before = signal.getsignal(number)
    with listening() as stop:
        os.kill(os.getpid(), number)
        assert stop.signal_name == number.name
        assert signal.getsignal(number) == before
    assert signal.getsignal(number) == before


def test_a_second_ctrl_c_interrupts():
    with listening() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.signal_name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_outside_the_main_thread_nothing_is_listened_for():
    heard = []

    def run():
        with listening() as stop:
            heard.append(stop.signal_name)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert heard == [None]
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_that_comes_after_another_process_has_stopped_this_one_does_nothing_once():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped), listening():
        raise Stopped("another heard it")
    os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def hear_and_stop():
    with listening():
        os.kill(os.getpid(), signal.SIGTERM)
        raise Stopped("heard")


def test_one_that_has_heard_its_own_has_its_handlers_back():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped):
        hear_and_stop()
    assert signal.getsignal(signal.SIGTERM) == before
