import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from naiad.service.contract import virtual_environment

INFO = "six-99.0.dist-info"


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    virtual_environment.create_virtual_environment(tmp_path / "ml")
    return tmp_path / "ml"


def run(ml: Path, *words: str, **variables: str) -> str:
    environment = {"HOME": str(ml), "PIP_NO_INDEX": "1", **virtual_environment.environment_variables(ml), **variables}
    done = subprocess.run(words, env=environment, cwd=ml, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_job_sees_the_servers_packages(ml: Path) -> None:
    import six  # noqa: PLC0415  # reason: the server's, to compare with

    shown = run(ml, "python", "-c", "import sys, six, naiad; print(sys.prefix, six.__file__)")
    assert shown == f"{ml / 'python'} {six.__file__}"


def test_pip_installs_into_the_jobs_environment(ml: Path, tmp_path: Path) -> None:
    """Upgrades a package of the server with the pip of the server's interpreter."""
    wheel = tmp_path / "six-99.0-py3-none-any.whl"
    write_wheel(wheel)
    run(ml, sys.executable, "-m", "pip", "install", "--quiet", "-U", str(wheel))
    job_packages = virtual_environment.environment_variables(ml)["PYTHONPATH"]
    for interpreter in ("python", sys.executable):
        assert run(ml, interpreter, "-c", "import six; print(six.__file__)") == f"{job_packages}/six.py"
    server = subprocess.run(
        [sys.executable, "-c", "import six; print(six.__version__)"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert server.stdout.strip() != "99.0"


def test_a_job_sees_no_more_than_the_server_does(ml: Path) -> None:
    """Scripts of the server, such as torchrun, run with its own interpreter and must find the same packages."""
    show = ("-c", "import sys; print('\\n'.join(path for path in sys.path if 'site-packages' in path))")
    assert set(run(ml, "python", *show).splitlines()) == set(run(ml, sys.executable, *show).splitlines())


def test_an_environment_can_be_created_twice(ml: Path) -> None:
    virtual_environment.create_virtual_environment(ml)
    assert run(ml, "python3", "-c", "import sys; print(sys.prefix)") == str(ml / "python")


def write_wheel(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("six.py", "__version__ = '99.0'\n")
        wheel.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: six\nVersion: 99.0\n")
        wheel.writestr(
            f"{INFO}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{INFO}/RECORD", "")


def test_pip_gets_the_servers_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that the request sets itself are kept."""
    for name in virtual_environment._NETWORK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/roots.pem")
    monkeypatch.setenv("NO_PROXY", "inside")
    words, variables = virtual_environment.install_command(("-r", "/a b/requirements.txt"), {"NO_PROXY": "mine"})
    assert words == ("python", "-m", "pip", "install", "--disable-pip-version-check", "-r", "/a b/requirements.txt")
    assert variables == {"https_proxy": "http://proxy.example:1", "REQUESTS_CA_BUNDLE": "/etc/roots.pem"}
