"""The contract of blobs/port.py on each store: conditional writes."""

import contextlib
import threading

import pytest

from naiad.service.blobs import errors
from naiad.service.blobs.port import WriteCondition


def test_conditional_puts(blobs, bucket, read_object):
    only_new = WriteCondition(if_none_match="*")
    first = blobs.put(bucket, "k", [b"1"], condition=only_new)
    with pytest.raises(errors.PreconditionFailed):
        blobs.put(bucket, "k", [b"2"], condition=only_new)
    with pytest.raises(errors.PreconditionFailed):
        blobs.put(bucket, "k", [b"2"], condition=WriteCondition(if_match="0" * 32))
    with pytest.raises(errors.NoSuchKey):
        blobs.put(bucket, "other", [b"2"], condition=WriteCondition(if_match=first.etag))
    blobs.put(bucket, "k", [b"3"], condition=WriteCondition(if_match=first.etag))
    assert read_object(blobs, bucket, "k") == b"3"


def test_conditional_deletions(blobs, bucket, read_object):
    first = blobs.put(bucket, "k", [b"1"])
    with pytest.raises(errors.PreconditionFailed):
        blobs.delete(bucket, "k", condition=WriteCondition(if_match="0" * 32))
    assert read_object(blobs, bucket, "k") == b"1"
    blobs.delete(bucket, "k", condition=WriteCondition(if_match=first.etag))
    with pytest.raises(errors.NoSuchKey):
        blobs.delete(bucket, "k", condition=WriteCondition(if_match=first.etag))


def test_one_of_many_conditional_puts_succeeds(blobs, bucket, read_object):
    wins = []

    def put(number):
        with contextlib.suppress(errors.PreconditionFailed):
            blobs.put(bucket, "k", [str(number).encode()], condition=WriteCondition(if_none_match="*"))
            wins.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1
    assert read_object(blobs, bucket, "k") == str(wins[0]).encode()
