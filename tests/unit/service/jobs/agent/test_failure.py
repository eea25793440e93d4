"""Why a program failed, never only a number."""

import pytest

from naiad.service.jobs.agent.failure import reason_of

TRACE = [
    "Traceback (most recent call last):",
    '  File "/opt/ml/code/train.py", line 3, in <module>',
    '  File "/opt/ml/code/model.py", line 71, in forward',
    "    x = y",
]
TORCHRUN = [
    "Traceback (most recent call last):",
    '  File "/lib/torch/distributed/launcher/api.py", line 386, in launch_agent',
    "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ",
    "Root Cause (first observed failure):",
]


@pytest.mark.parametrize(
    ("status", "lines", "reason"),
    [
        (1, [*TRACE, "ValueError: a bad value"], "AlgorithmError: ValueError: a bad value (model.py, line 71)"),
        (
            1,
            [*TRACE, "torch.OutOfMemoryError: CUDA out of memory."],
            "AlgorithmError: out of memory: torch.OutOfMemoryError: CUDA out of memory. (model.py, line 71)",
        ),
        (1, [*TRACE, "mine.ShapeError: no"], "AlgorithmError: mine.ShapeError: no (model.py, line 71)"),
        (
            1,
            [*TRACE, "KeyError: 'x'", *TORCHRUN],
            "AlgorithmError: KeyError: 'x' (model.py, line 71)",
        ),
        (
            1,
            TORCHRUN,
            "AlgorithmError: torch.distributed.elastic.multiprocessing.errors.ChildFailedError: (api.py, line 386)",
        ),
        (
            -9,
            ["step 3"],
            "AlgorithmError: the program was ended by SIGKILL, perhaps because memory ran out; its last line was: step 3",
        ),
        (139, [], "AlgorithmError: the program was ended by SIGSEGV"),
        (
            3,
            ["cannot open the file", ""],
            "AlgorithmError: the program ended with exit status 3; its last line was: cannot open the file",
        ),
    ],
)
def test_reasons(status, lines, reason):
    assert reason_of(status, lines, "") == reason


def test_the_programs_own_words_come_first():
    assert reason_of(1, [*TRACE, "ValueError: no"], "x" * 2000) == "x" * 1024
