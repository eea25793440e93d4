import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from naiad.service.jobs.agent import packages

INFO = "six-99.0.dist-info"


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    packages.make_environment(tmp_path / "ml")
    return tmp_path / "ml"


def said(ml: Path, *words: str, **variables: str) -> str:
    environment = {"HOME": str(ml), "PIP_NO_INDEX": "1", **packages.variables(ml), **variables}
    done = subprocess.run(words, env=environment, cwd=ml, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_servers_packages_are_seen(ml: Path) -> None:
    import six  # noqa: PLC0415  # reason: the server's, to compare with

    shown = said(ml, "python", "-c", "import sys, six, naiad; print(sys.prefix, six.__file__)")
    assert shown == f"{ml / 'python'} {six.__file__}"


def test_the_servers_pip_installs_for_the_job(ml: Path, tmp_path: Path) -> None:
    """Even an upgrade of what the server has, by the server's own interpreter."""
    wheel = tmp_path / "six-99.0-py3-none-any.whl"
    write_wheel(wheel)
    said(ml, sys.executable, "-m", "pip", "install", "--quiet", "-U", str(wheel))
    own = packages.variables(ml)["PYTHONPATH"]
    for interpreter in ("python", sys.executable):
        assert said(ml, interpreter, "-c", "import six; print(six.__file__)") == f"{own}/six.py"
    theirs = subprocess.run(
        [sys.executable, "-c", "import six; print(six.__version__)"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert theirs.stdout.strip() != "99.0"


def test_what_the_server_does_not_see_is_not_seen(ml: Path) -> None:
    """Scripts of the server's, such as torchrun, run by its own interpreter: what is installed must be the same for both."""
    show = ("-c", "import sys; print('\\n'.join(path for path in sys.path if 'site-packages' in path))")
    assert set(said(ml, "python", *show).splitlines()) == set(said(ml, sys.executable, *show).splitlines())


def test_it_is_made_again(ml: Path) -> None:
    packages.make_environment(ml)
    assert said(ml, "python3", "-c", "import sys; print(sys.prefix)") == str(ml / "python")


def write_wheel(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("six.py", "__version__ = '99.0'\n")
        wheel.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: six\nVersion: 99.0\n")
        wheel.writestr(
            f"{INFO}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{INFO}/RECORD", "")
