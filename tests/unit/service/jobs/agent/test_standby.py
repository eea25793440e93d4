from pathlib import Path

import pytest

from naiad.service.jobs.agent.standby import Standby, can_use_standby, fork_standby

WORDS = ("python", "/opt/ml/code/train.py")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, True),
        ({"MY_FLAG": "1", "OMP_NUM_THREADS": "1"}, True),
        ({"LD_PRELOAD": "libjemalloc.so"}, False),
        ({"PYTHONHASHSEED": "0"}, False),
        ({"TORCH_LOGS": "dynamo"}, False),
        ({"OMP_PROC_BIND": "true"}, False),
    ],
)
def test_variables_that_libraries_read_when_they_are_loaded_need_a_new_interpreter(
    tmp_path: Path, variables: dict[str, str], *, expected: bool
) -> None:
    assert can_use_standby(WORDS, variables, [tmp_path]) is expected


def test_a_module_with_the_name_of_a_loaded_one_needs_a_new_interpreter(tmp_path: Path) -> None:
    (tmp_path / "json.py").touch()
    assert not can_use_standby(WORDS, {}, [tmp_path])


def test_a_program_that_is_not_python_needs_a_new_process(tmp_path: Path) -> None:
    assert not can_use_standby(("/opt/ml/input/data/code/train",), {}, [tmp_path])


def test_a_dismissed_standby_ends_and_runs_nothing() -> None:
    standby = fork_standby()
    assert isinstance(standby, Standby)
    assert standby.poll() is None
    standby.dismiss()
    assert standby.poll() == 0
