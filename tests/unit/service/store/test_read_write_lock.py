from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from naiad.service.store.read_write_lock import NullReadWriteLock, WriterPreferringLock


def test_readers_do_not_exclude_each_other():
    lock = WriterPreferringLock()
    with lock.read(), lock.read():
        pass


def test_a_writer_waits_for_readers_and_new_readers_for_the_writer():
    lock, order = WriterPreferringLock(), []
    has_begun = Event()

    def write():
        has_begun.set()
        with lock.write():
            order.append("writer")

    def read_late():
        with lock.read():
            order.append("late reader")

    with ThreadPoolExecutor(2) as pool:
        with lock.read():
            writing = pool.submit(write)
            assert has_begun.wait(10)
            while not lock._has_writer:
                pass
            late = pool.submit(read_late)
            order.append("early reader")
        writing.result(10)
        late.result(10)
    assert order == ["early reader", "writer", "late reader"]


@pytest.mark.parametrize("side", ["read", "write"])
def test_an_error_inside_releases_the_lock(side):
    lock = WriterPreferringLock()
    with pytest.raises(KeyError), getattr(lock, side)():
        raise KeyError
    with lock.write():
        pass
    with lock.read():
        pass


def test_the_null_lock_excludes_nobody():
    lock = NullReadWriteLock()
    with lock.read(), lock.write(), lock.read():
        pass
