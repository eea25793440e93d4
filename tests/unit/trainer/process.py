"""One of several processes of a test: calls a function of the test's file and leaves what it gave, or how it failed.

Run by ``runpy`` with CALL: (environment, file, name, arguments, where the result goes, where its lines go).
"""

import os
import pickle
import runpy
from pathlib import Path

import torch

from naiad.errors import NaiadError

environment, file, name, arguments, result, log = globals()["CALL"]
lines = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(lines, 1)
os.dup2(lines, 2)
os.environ.update(environment)
torch.set_num_threads(1)
try:
    given = runpy.run_path(file, run_name="process")[name](*arguments)
except NaiadError as error:
    given = error
Path(result).write_bytes(pickle.dumps(given))
