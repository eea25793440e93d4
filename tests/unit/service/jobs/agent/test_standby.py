from pathlib import Path

import pytest

from naiad.service.jobs.agent.standby import Standby, can_stand_in, stand_by

WORDS = ("python", "/opt/ml/code/train.py")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, True),
        ({"MY_FLAG": "1", "OMP_NUM_THREADS": "1"}, True),
        ({"LD_PRELOAD": "libjemalloc.so"}, False),
        ({"PYTHONHASHSEED": "0"}, False),
        ({"TORCH_LOGS": "dynamo"}, False),
        ({"OMP_PROC_BIND": "true"}, False),
    ],
)
def test_what_libraries_read_while_they_load_needs_a_new_interpreter(
    tmp_path: Path, asked: dict[str, str], *, expected: bool
) -> None:
    assert can_stand_in(WORDS, asked, [tmp_path]) is expected


def test_a_module_of_the_users_that_bears_a_loaded_name_needs_a_new_interpreter(tmp_path: Path) -> None:
    (tmp_path / "json.py").touch()
    assert not can_stand_in(WORDS, {}, [tmp_path])


def test_another_program_is_not_for_it(tmp_path: Path) -> None:
    assert not can_stand_in(("/opt/ml/input/data/code/train",), {}, [tmp_path])


def test_without_an_order_it_ends_and_runs_nothing() -> None:
    standby = stand_by()
    assert isinstance(standby, Standby)
    assert standby.poll() is None
    standby.dismiss()
    assert standby.poll() == 0
