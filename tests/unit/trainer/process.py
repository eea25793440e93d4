"""Calls a function of a test's file in a process of its own, and writes its value or its NaiadError to a file.

Run by ``runpy`` with CALL: (environment, test file, function's name, arguments, result file, log file).
"""

import os
import pickle
import runpy
from pathlib import Path

import torch

from naiad.errors import NaiadError

environment, file, name, arguments, result_file, log = globals()["CALL"]
descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(descriptor, 1)
os.dup2(descriptor, 2)
os.environ.update(environment)
torch.set_num_threads(1)
try:
    result = runpy.run_path(file, run_name="process")[name](*arguments)
except NaiadError as error:
    result = error
Path(result_file).write_bytes(pickle.dumps(result))
