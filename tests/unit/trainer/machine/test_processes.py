"""The methods of a process group: on a single process, and on real processes over loopback."""

import os
import signal
from datetime import timedelta

import pytest
import torch

from naiad.errors import DataError, DiskFull, OptionError, TrainingError
from naiad.trainer.machine import processes
from naiad.trainer.machine.processes import RankInfo, SingleProcess, join_process_group

ENVIRONMENT = {"WORLD_SIZE": "3", "RANK": "2", "MASTER_ADDR": "here", "MASTER_PORT": "1"}


def test_without_torchruns_variables_there_is_a_single_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with join_process_group() as group:
        assert (group.rank, group.size) == (0, 1)
    assert processes.is_rank_zero()
    assert RankInfo.from_environment({"WORLD_SIZE": "1", "RANK": "0"}) == RankInfo()


def test_a_single_process_changes_nothing():
    group, tensor = SingleProcess(), torch.ones(3)
    assert group.on_rank_zero(lambda: 5) == 5
    assert group.all_gather("a") == ["a"]
    assert group.all_gather_numbers([1.0, 2.0]) == [[1.0, 2.0]]
    group.all_reduce_([tensor])
    group.broadcast_([tensor])
    assert torch.equal(tensor, torch.ones(3))


def test_the_environment_states_the_rank():
    assert RankInfo.from_environment({**ENVIRONMENT, "LOCAL_RANK": "1"}) == RankInfo(2, 3, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RANK": None}, "WORLD_SIZE is 3, and RANK is not set"),
        ({"MASTER_PORT": None}, "MASTER_PORT is not set"),
        ({"RANK": "3"}, "RANK is 3 of 3 processes"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two', which is no whole number"),
    ],
)
def test_an_incomplete_environment_is_refused(change, message):
    environment = {name: value for name, value in {**ENVIRONMENT, **change}.items() if value is not None}
    with pytest.raises(OptionError, match=message):
        RankInfo.from_environment(environment)


def call_every_method():
    processes.BUCKET_BYTES = 256
    with join_process_group() as group:
        number = group.rank + 1
        kinds = [torch.full((20,), number * 0.1), torch.full((), number), torch.tensor([group.rank == 0, True])]
        pictures = torch.full((2, 3, 4, 5), float(number)).contiguous(memory_format=torch.channels_last)
        group.broadcast_([*kinds, pictures])
        sums = [torch.full((50,), float(number)), torch.full((70,), number / 3), torch.full((2,), 2.0).double()]
        group.all_reduce_(sums)
        return {
            "rank zero": group.on_rank_zero(lambda: (os.getpid(), group.rank)),
            "ranks": group.all_gather(group.rank),
            "numbers": group.all_gather_numbers([number, 0.5]),
            "broadcast": [*kinds, pictures],
            "sums": sums,
        }


def test_three_processes_exchange_values_and_tensors(run_processes):
    first, second, third = run_processes(call_every_method, size=3)
    assert first["rank zero"] == second["rank zero"] == third["rank zero"]
    assert first["ranks"] == [0, 1, 2]
    assert third["numbers"] == [[1.0, 0.5], [2.0, 0.5], [3.0, 0.5]]
    for number, expected in enumerate((torch.full((20,), 0.1), torch.tensor(1), torch.tensor([True, True]))):
        assert all(torch.equal(one["broadcast"][number], expected) for one in (first, second, third))
    assert torch.equal(third["broadcast"][3], torch.ones(2, 3, 4, 5))
    assert torch.equal(first["sums"][0], torch.full((50,), 6.0))
    torch.testing.assert_close(first["sums"][1], torch.full((70,), 2.0))
    for one in (second, third):
        assert all(torch.equal(a, b) for a, b in zip(one["sums"], first["sums"], strict=True))


def fail_on_rank_zero():
    def fail():
        raise DiskFull("no room", hint="make some")

    with join_process_group() as group:
        group.on_rank_zero(fail)


def test_an_error_on_rank_zero_is_raised_on_every_rank(run_processes):
    for error in run_processes(fail_on_rank_zero):
        assert isinstance(error, DiskFull)
        assert (str(error), error.hint) == ("no room", "make some")
        assert error.raised_by_all


def fail_on_one_rank(failing):
    with join_process_group() as group:
        with processes.share_input_errors(group), processes.after_rank_zero(group, wait=True):
            if group.rank == failing:
                raise DataError(f"rank {failing} has other data")
        return "went on"


@pytest.mark.parametrize("failing", [0, 1])
def test_an_input_error_on_one_rank_is_raised_on_every_rank(run_processes, failing):
    for error in run_processes(fail_on_one_rank, failing):
        assert isinstance(error, DataError)
        assert str(error) == f"rank {failing} has other data"
        assert error.raised_by_all


def test_an_error_of_the_environment_is_of_one_rank(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(OptionError) as caught, join_process_group():
        pass
    assert not caught.value.raised_by_all


def join_twice():
    values = []
    for word in ("a", "b"):
        with join_process_group() as group:
            values.append(group.all_gather(f"{word}{group.rank}"))
    return values


def test_processes_may_join_again(run_processes):
    assert run_processes(join_twice) == [[["a0", "a1"], ["b0", "b1"]]] * 2


def look_for_file(path):
    with join_process_group() as group:
        with processes.after_rank_zero(group, wait=True):
            exists = path.exists()
            if group.rank == 0:
                path.touch()
        return exists


def test_other_ranks_find_the_files_of_rank_zero(run_processes, tmp_path):
    assert run_processes(look_for_file, tmp_path / "file") == [False, True]


def kill_one(rank):
    with join_process_group() as group:
        group.all_gather(0)
        if group.rank == rank:
            os.kill(os.getpid(), signal.SIGKILL)
        group.all_reduce_([torch.ones(10)])


@pytest.mark.parametrize("rank", [0, 1])
def test_when_a_process_is_killed_the_others_end_with_a_clear_error(run_processes, rank):
    results = run_processes(kill_one, rank, within_s=30)
    assert results[rank] == signal.SIGKILL
    error = results[1 - rank]
    assert isinstance(error, TrainingError)
    assert "another process of this run has ended or does not answer" in str(error)
    assert "--resume" in error.hint


def fail_on_rank_one():
    with join_process_group() as group:
        if group.rank == 1:
            raise OptionError("not this")
        group.all_gather_numbers([1.0])


def test_when_a_process_fails_the_others_end(run_processes):
    first, second = run_processes(fail_on_rank_one, within_s=30)
    assert isinstance(first, TrainingError)
    assert str(second) == "not this"


def stay_silent(fifo):
    """Rank 1 sends nothing until rank 0 has given up."""
    processes.TIMEOUT = timedelta(seconds=1)
    with join_process_group() as group:
        group.all_gather(0)
        if group.rank == 1:
            return fifo.read_text()
        try:
            group.all_reduce_([torch.ones(10)])
        finally:
            fifo.write_text("given up")


def test_the_wait_for_a_silent_process_ends(run_processes, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    first, second = run_processes(stay_silent, tmp_path / "fifo", within_s=30)
    assert isinstance(first, TrainingError)
    assert "has ended or does not answer" in str(first)
    assert second == "given up"
