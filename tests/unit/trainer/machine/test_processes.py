"""What a group of processes is asked: real ones, over loopback."""

import os
import signal
from datetime import timedelta

import pytest
import torch

from naiad.errors import DiskFull, OptionError, TrainingError
from naiad.trainer.machine import processes
from naiad.trainer.machine.processes import Alone, Place, join

MET = {"WORLD_SIZE": "3", "RANK": "2", "MASTER_ADDR": "here", "MASTER_PORT": "1"}


def test_a_process_without_torchruns_variables_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with join() as group:
        assert (group.rank, group.size) == (0, 1)
    assert processes.writes()
    assert Place.of({"WORLD_SIZE": "1", "RANK": "0"}) == Place()


def test_alone_everything_is_its_own():
    group, tensor = Alone(), torch.ones(3)
    assert group.by_first(lambda: 5) == 5
    assert group.gather("a") == ["a"]
    assert group.gather_numbers([1.0, 2.0]) == [[1.0, 2.0]]
    group.sum_([tensor])
    group.spread_([tensor])
    assert torch.equal(tensor, torch.ones(3))


def test_the_environment_says_which_process_it_is():
    assert Place.of({**MET, "LOCAL_RANK": "1"}) == Place(2, 3, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RANK": None}, "WORLD_SIZE is 3, and RANK is not set"),
        ({"MASTER_PORT": None}, "MASTER_PORT is not set"),
        ({"RANK": "3"}, "RANK is 3 of 3 processes"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two', which is no whole number"),
    ],
)
def test_half_an_environment_is_refused(change, message):
    environment = {name: value for name, value in {**MET, **change}.items() if value is not None}
    with pytest.raises(OptionError, match=message):
        Place.of(environment)


def asked_everything():
    processes.BUCKET_BYTES = 256
    with join() as group:
        mine = group.rank + 1
        kinds = [torch.full((20,), mine * 0.1), torch.full((), mine), torch.tensor([group.rank == 0, True])]
        pictures = torch.full((2, 3, 4, 5), float(mine)).contiguous(memory_format=torch.channels_last)
        group.spread_([*kinds, pictures])
        sums = [torch.full((50,), float(mine)), torch.full((70,), mine / 3), torch.full((2,), 2.0).double()]
        group.sum_(sums)
        return {
            "first": group.by_first(lambda: (os.getpid(), group.rank)),
            "ranks": group.gather(group.rank),
            "numbers": group.gather_numbers([mine, 0.5]),
            "spread": [*kinds, pictures],
            "sums": sums,
        }


def test_what_processes_ask_of_each_other(together):
    first, second, third = together(asked_everything, size=3)
    assert first["first"] == second["first"] == third["first"]
    assert first["ranks"] == [0, 1, 2]
    assert third["numbers"] == [[1.0, 0.5], [2.0, 0.5], [3.0, 0.5]]
    for number, expected in enumerate((torch.full((20,), 0.1), torch.tensor(1), torch.tensor([True, True]))):
        assert all(torch.equal(one["spread"][number], expected) for one in (first, second, third))
    assert torch.equal(third["spread"][3], torch.ones(2, 3, 4, 5))
    assert torch.equal(first["sums"][0], torch.full((50,), 6.0))
    torch.testing.assert_close(first["sums"][1], torch.full((70,), 2.0))
    for one in (second, third):
        assert all(torch.equal(a, b) for a, b in zip(one["sums"], first["sums"], strict=True))


def failing_first():
    def fail():
        raise DiskFull("no room", hint="make some")

    with join() as group:
        group.by_first(fail)


def test_an_error_of_the_first_is_everybodys(together):
    for error in together(failing_first):
        assert isinstance(error, DiskFull)
        assert (str(error), error.hint) == ("no room", "make some")


def met_twice():
    found = []
    for word in ("a", "b"):
        with join() as group:
            found.append(group.gather(f"{word}{group.rank}"))
    return found


def test_processes_may_meet_again(together):
    assert together(met_twice) == [[["a0", "a1"], ["b0", "b1"]]] * 2


def fetched_in_turn(path):
    with join() as group:
        with processes.after_first(group, wait=True):
            found = path.exists()
            if group.rank == 0:
                path.touch()
        return found


def test_the_first_fetches_what_the_others_find(together, tmp_path):
    assert together(fetched_in_turn, tmp_path / "file") == [False, True]


def one_killed(rank):
    with join() as group:
        group.gather(0)
        if group.rank == rank:
            os.kill(os.getpid(), signal.SIGKILL)
        group.sum_([torch.ones(10)])


@pytest.mark.parametrize("rank", [0, 1])
def test_one_that_is_killed_ends_the_others_with_a_clear_error(together, rank):
    found = together(one_killed, rank, within_s=30)
    assert found[rank] == signal.SIGKILL
    error = found[1 - rank]
    assert isinstance(error, TrainingError)
    assert "another process of this run has ended or does not answer" in str(error)
    assert "--resume" in error.hint


def one_failed():
    with join() as group:
        if group.rank == 1:
            raise OptionError("not this")
        group.gather_numbers([1.0])


def test_one_that_fails_ends_the_others(together):
    first, second = together(one_failed, within_s=30)
    assert isinstance(first, TrainingError)
    assert str(second) == "not this"


def one_silent(fifo):
    """The second says nothing until the first has given up."""
    processes.PATIENCE = timedelta(seconds=1)
    with join() as group:
        group.gather(0)
        if group.rank == 1:
            return fifo.read_text()
        try:
            group.sum_([torch.ones(10)])
        finally:
            fifo.write_text("given up")


def test_one_that_is_silent_is_not_waited_for_for_ever(together, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    first, second = together(one_silent, tmp_path / "fifo", within_s=30)
    assert isinstance(first, TrainingError)
    assert "has ended or does not answer" in str(first)
    assert second == "given up"
