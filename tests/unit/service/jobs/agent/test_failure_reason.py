"""The reasons of failures, never only a number."""

from pathlib import Path

import pytest

from naiad.service.jobs.agent.failure_reason import failure_reason

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
            "AlgorithmError: torch.distributed.elastic.multiprocessing.errors.ChildFailedError: "
            "Root Cause (first observed failure): (api.py, line 386)",
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
def test_the_reason_of_a_failure(status, lines, reason):
    assert failure_reason(status, lines, "") == reason


def test_the_failure_file_counts_more_than_the_log():
    assert failure_reason(1, [*TRACE, "ValueError: no"], "x" * 2000) == "x" * 1024


SHAPES = """\
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 3, in <module>
    model(torch.ones(2, 5))
  File "/srv/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1794, in _call_impl
    return forward_call(*args, **kwargs)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/lib/python3.11/site-packages/torch/nn/modules/linear.py", line 134, in forward
    return F.linear(input, self.weight, self.bias)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x5 and 3x4)
"""
STATE = """\
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 2, in <module>
    torch.nn.Linear(3, 4).load_state_dict({})
  File "/srv/lib/python3.11/site-packages/torch/nn/modules/module.py", line 2643, in load_state_dict
    raise RuntimeError(
RuntimeError: Error(s) in loading state_dict for Linear:
\tMissing key(s) in state_dict: "weight", "bias".
"""
ARCHIVE = """\
ValidationError: 0.31
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 3, in <module>
    zipfile.ZipFile('/etc/passwd')
  File "/usr/lib/python3.11/zipfile.py", line 1302, in __init__
    self._RealGetContents()
  File "/usr/lib/python3.11/zipfile.py", line 1369, in _RealGetContents
    raise BadZipFile("File is not a zip file")
zipfile.BadZipFile: File is not a zip file
"""
HANDLED = """\
ERROR:root:cannot read
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 3, in <module>
    int('x')
ValueError: invalid literal for int() with base 10: 'x'
"""
TWO_LINES = """\
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 2, in <module>
    raise Bad('first\\nsecond')
Bad: first
second
"""
CLIENT = """\
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 9, in <module>
    s3.get_object(Bucket="naiad", Key="none")
  File "/srv/lib/python3.11/site-packages/botocore/client.py", line 1078, in _make_api_call
    raise error_class(parsed_response, operation_name)
botocore.errorfactory.NoSuchKey: An error occurred (NoSuchKey) when calling the GetObject operation: none
"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/opt/ml/code/train.py", line 7, in <module>
  |     raise ExceptionGroup('several', e)
  | ExceptionGroup: several (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/opt/ml/code/train.py", line 2, in f
    |     raise ValueError(x)
    | ValueError: a
    +---------------- 2 ----------------
    | KeyError: 'b'
    +------------------------------------
"""
SYNTAX = """\
  File "/opt/ml/code/train.py", line 1
    def f(
         ^
SyntaxError: '(' was never closed
"""
LOADER = """\
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 9, in <module>
    for batch in loader:
  File "/srv/lib/python3.11/site-packages/torch/_utils.py", line 733, in reraise
    raise exception
ValueError: Caught ValueError in DataLoader worker process 0.
Original Traceback (most recent call last):
  File "/srv/lib/python3.11/site-packages/torch/utils/data/_utils/worker.py", line 351, in _worker_loop
    data = fetcher.fetch(index)
  File "/opt/ml/code/train.py", line 5, in __getitem__
    raise ValueError("row 3 is empty")
ValueError: row 3 is empty

"""
RANK = """\
[rank0]: Traceback (most recent call last):
[rank0]:   File "/opt/ml/code/train.py", line 4, in <module>
[rank0]:     dist.all_reduce(x)
[rank0]: RuntimeError: gloo: connection closed
[W1126 12:00:00.000 ProcessGroupNCCL.cpp:1250] Warning: process group has NOT been destroyed
"""


@pytest.mark.parametrize(
    ("status", "output", "reason"),
    [
        (1, SHAPES, "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x5 and 3x4) (train.py, line 3)"),
        (
            1,
            STATE,
            "RuntimeError: Error(s) in loading state_dict for Linear: "
            'Missing key(s) in state_dict: "weight", "bias". (train.py, line 2)',
        ),
        (1, ARCHIVE, "zipfile.BadZipFile: File is not a zip file (train.py, line 3)"),
        (
            2,
            HANDLED,
            "the program ended with exit status 2; its last line was: "
            "ValueError: invalid literal for int() with base 10: 'x'",
        ),
        (2, f"{HANDLED}no data\n", "the program ended with exit status 2; its last line was: no data"),
        (1, HANDLED + "step\n" * 80, "the program ended with exit status 1; its last line was: step"),
        (3, "Error rate: 0.3\n", "the program ended with exit status 3; its last line was: Error rate: 0.3"),
        (1, "Error: no data\n", "the program ended with exit status 1; its last line was: Error: no data"),
        (1, TWO_LINES, "Bad: first second (train.py, line 2)"),
        (
            1,
            CLIENT,
            "botocore.errorfactory.NoSuchKey: An error occurred (NoSuchKey) when calling the GetObject operation: none "
            "(train.py, line 9)",
        ),
        (1, GROUP, "ExceptionGroup: several (2 sub-exceptions) (train.py, line 7)"),
        (1, SYNTAX, "SyntaxError: '(' was never closed (train.py, line 1)"),
        (1, LOADER, "ValueError: row 3 is empty (train.py, line 5)"),
        (1, RANK, "RuntimeError: gloo: connection closed (train.py, line 4)"),
        (-6, f"{HANDLED}Aborted\n", "the program was ended by SIGABRT; its last line was: Aborted"),
        (1, "Traceback (most recent call last):\n", "the program ended with exit status 1; its last line was: "),
    ],
)
def test_the_reason_in_the_output_of_a_program(status: int, output: str, reason: str) -> None:
    assert failure_reason(status, output.splitlines(), "").startswith(f"AlgorithmError: {reason}")


def test_the_place_in_the_program_without_opt_ml(tmp_path: Path) -> None:
    lines = SHAPES.replace("/opt/ml", str(tmp_path)).splitlines()
    assert failure_reason(1, lines, "", root=tmp_path).endswith("(train.py, line 3)")
    assert failure_reason(1, lines, "").endswith("(linear.py, line 134)")


def test_the_processes_of_mpi_write_between_each_other() -> None:
    lines = [
        "[1,1]<stderr>:Traceback (most recent call last):",
        "[1,0]<stdout>:loss: 0.5",
        '[1,1]<stderr>:  File "/opt/ml/code/train.py", line 5, in <module>',
        "[1,0]<stderr>:a warning",
        "[1,1]<stderr>:ValueError: bad",
        "mpirun detected that one or more processes exited with non-zero status",
    ]
    assert failure_reason(1, lines, "") == "AlgorithmError: ValueError: bad (train.py, line 5)"
