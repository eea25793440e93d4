"""Why a program failed, never only a number."""

import pytest

from naiad.service.jobs.agent.failure import reason_of

TRACE = [
    "Traceback (most recent call last):",
    '  File "/opt/ml/code/train.py", line 3, in <module>',
    '  File "/opt/ml/code/model.py", line 71, in forward',
    "    x = y",
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
def test_reasons(tmp_path, status, lines, reason):
    assert reason_of(status, lines, tmp_path / "failure") == reason


def test_the_programs_own_words_come_first(tmp_path):
    (tmp_path / "failure").write_text("x" * 2000)
    assert reason_of(1, [*TRACE, "ValueError: no"], tmp_path / "failure") == "x" * 1024
