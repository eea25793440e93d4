import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from naiad.service.contract import packages

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


def test_the_servers_proxy_is_there_for_pip_and_not_for_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/roots.pem")
    monkeypatch.setenv("NO_PROXY", "inside")
    pip = tmp_path / "python"
    pip.write_text("#!/bin/sh\necho $* $https_proxy $REQUESTS_CA_BUNDLE $NO_PROXY\n")
    pip.chmod(0o755)
    program = ("sh", "-c", 'echo program "$1" $https_proxy $REQUESTS_CA_BUNDLE $NO_PROXY', "sh", "an argument")
    words, lent = packages.installing(Path("/a b/requirements.txt"), program, {"NO_PROXY": "mine"})
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin", "NO_PROXY": "mine", **lent}
    said = subprocess.run(words, env=variables, capture_output=True, text=True, check=True).stdout.splitlines()
    install = "-m pip install --disable-pip-version-check -r /a b/requirements.txt"
    assert said == [f"{install} http://proxy.example:1 /etc/roots.pem mine", "program an argument mine"]


def test_without_a_proxy_nothing_is_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in packages._LENT:
        monkeypatch.delenv(name, raising=False)
    words, lent = packages.installing(Path("/r"), ("true",), {})
    assert (words[-1], lent) == ("true", {})
