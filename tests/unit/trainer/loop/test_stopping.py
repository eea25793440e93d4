"""Stop signals are caught once, and only inside the block."""

import os
import signal
import threading

import pytest

from naiad.errors import TrainingStopped
from naiad.trainer.loop.stopping import catch_stop_signals


@pytest.fixture(autouse=True)
def usual_handlers():
    """Sets Python's own handler: a shell starts background processes with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_caught_and_the_handler_restored(number):
    before = signal.getsignal(number)
    with catch_stop_signals() as stop:
        os.kill(os.getpid(), number)
        assert stop.signal_name == number.name
        assert signal.getsignal(number) == before
    assert signal.getsignal(number) == before


def test_a_second_ctrl_c_interrupts():
    with catch_stop_signals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.signal_name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_outside_the_main_thread_no_signal_is_caught():
    names = []

    def run():
        with catch_stop_signals() as stop:
            names.append(stop.signal_name)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert names == [None]
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_late_signal_is_ignored_after_another_process_was_stopped():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TrainingStopped), catch_stop_signals():
        raise TrainingStopped("another process received it")
    os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def catch_and_stop():
    with catch_stop_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        raise TrainingStopped("received")


def test_after_its_own_signal_a_process_has_its_handlers_again():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TrainingStopped):
        catch_and_stop()
    assert signal.getsignal(signal.SIGTERM) == before
