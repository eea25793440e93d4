"""Memory from search to search: the best values, and how long the end takes."""

from dataclasses import replace

from torch import nn

from naiad.trainer.tuning.finishing_time import FinishingTime
from naiad.trainer.tuning.study_memory import StudyMemory


def net_of(width):
    return nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 3))


def test_the_largest_gains_are_proposed(blobs, tmp_path):
    memory = StudyMemory.for_study("net", net_of(4), blobs, folder=tmp_path)
    assert memory.proposals() == []
    for rate, gain in ((0.1, 1.0), (0.2, 5.0), (0.3, 3.0), (0.4, 0.5)):
        memory.remember({"learning_rate": rate}, gain)
    assert memory.proposals() == [{"learning_rate": 0.2}, {"learning_rate": 0.3}]


def test_a_kind_of_network_and_data_has_its_own(blobs, tmp_path):
    memory = StudyMemory.for_study("net", net_of(4), blobs, folder=tmp_path)
    assert StudyMemory.for_study("net", net_of(9), blobs, folder=tmp_path) == memory
    assert StudyMemory.for_study("other", net_of(4), blobs, folder=tmp_path) != memory
    assert StudyMemory.for_study("net", nn.Linear(5, 3), blobs, folder=tmp_path) != memory
    more = replace(blobs, classes=tuple("abcdefghijkl"))
    assert StudyMemory.for_study("net", net_of(4), more, folder=tmp_path) != memory


def test_a_damaged_memory_is_none(blobs, tmp_path):
    memory = StudyMemory.for_study("net", net_of(4), blobs, folder=tmp_path)
    memory.remember({"learning_rate": 0.1}, 1.0)
    memory.path.write_bytes(memory.path.read_bytes().replace(b"0.1", b"0.7"))
    assert memory.proposals() == []


def test_the_end_takes_as_long_as_the_last_time(blobs, tmp_path):
    first = FinishingTime.estimate(blobs, saves=True, reports=True, folder=tmp_path)
    assert first.seconds > 5
    assert FinishingTime.estimate(blobs, saves=False, reports=True, folder=tmp_path).seconds < 1
    first.store(2.0)
    assert 2.0 <= FinishingTime.estimate(blobs, saves=True, reports=True, folder=tmp_path).seconds < 2.5
