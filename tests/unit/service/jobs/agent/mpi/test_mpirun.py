import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.mpi.mpirun import MpiSettings, mpirun_command, parse_custom_options


def test_settings_come_back_from_their_text() -> None:
    settings = MpiSettings(("algo-1", "algo-2"), 2, None, ("-x", "A=1"))
    assert MpiSettings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(("processes", "count"), [(None, "6"), (4, "4")])
def test_the_hosts_have_slots_for_their_processes(processes: int | None, count: str) -> None:
    command = mpirun_command(MpiSettings(("algo-1", "algo-2"), 3, processes, ("--verbose",)), ["python", "train.py"])
    assert command[:5] == ["mpirun", "--host", "algo-1:3,algo-2:3", "-np", count]
    assert command[-3:] == ["--verbose", "python", "train.py"]


def test_custom_options_of_sdk_2() -> None:
    assert parse_custom_options("") == ("-x", "NCCL_DEBUG=WARN")
    assert parse_custom_options("--NCCL_DEBUG INFO -x 'A=b c'") == ("-x", "NCCL_DEBUG=INFO", "-x", "A=b c")
    assert parse_custom_options("-x A=1 --NCCL_DEBUG=INFO") == ("-x", "NCCL_DEBUG=INFO", "-x", "A=1")


@pytest.mark.parametrize("text", ["--NCCL_DEBUG", "--NCCL_DEBUG=", "--NCCL_DEBUG -x A=1", "-x 'A=b", "a\\"])
def test_options_that_are_none_are_an_error_and_end_no_process(text: str) -> None:
    with pytest.raises(Invalid, match="custom_mpi_options"):
        parse_custom_options(text)
