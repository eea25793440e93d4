"""Imports and commands that must not load torch, which costs a second."""

import subprocess
import sys

import pytest

_PROBE = "import sys; {code}; sys.exit(' '.join({{'torch', 'sklearn', 'pyarrow'}} & set(sys.modules)) or 0)"
_HELP = "from naiad.cli.main import main; main({arguments!r})"


@pytest.mark.parametrize(
    "code",
    [
        "import naiad",
        "import naiad.errors",
        "import naiad.trainer.hyperparameters",
        "import naiad.cli.main",
        _HELP.format(arguments=["--help"]),
        _HELP.format(arguments=["nets", "--help"]),
        _HELP.format(arguments=["version"]),
    ],
)
def test_loads_no_heavy_library(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", _PROBE.format(code=code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")
