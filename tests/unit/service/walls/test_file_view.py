import sys
from pathlib import Path

import pytest

from naiad.service.walls.file_view import Bind, FileView, interpreter_folders, make_file_view


def view_of(tmp_path: Path, **variables: str) -> FileView:
    return make_file_view(
        tmp_path / "ml", tmp_path / "tmp", tmp_path, hosts=["algo-1", "algo-2"], environment=variables
    )


def test_only_the_programs_own_folders_are_writable(tmp_path: Path) -> None:
    writable = [bind for bind in view_of(tmp_path).binds if bind.is_writable]
    assert [(bind.source, bind.target) for bind in writable] == [
        (str(tmp_path / "tmp"), "/tmp"),
        (str(tmp_path / "ml"), "/opt/ml"),
    ]


def test_the_whole_host_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when the interpreter seems to need it."""
    monkeypatch.setattr(sys, "exec_prefix", "/")
    monkeypatch.setattr(sys, "base_prefix", str(Path.home()))
    targets = {bind.target for bind in view_of(tmp_path).binds}
    assert not targets & {"/", str(Path.home()), "/etc", "/home", "/var", "/run"}
    assert "/etc/shadow" not in targets


def test_what_the_interpreter_needs_is_shown(tmp_path: Path) -> None:
    targets = [bind.target for bind in view_of(tmp_path).binds]
    for folder in interpreter_folders():
        assert any(folder == target or folder.startswith(f"{target}/") for target in targets), folder


def test_files_that_pip_needs_are_shown(tmp_path: Path) -> None:
    wheels, roots = tmp_path / "wheels", tmp_path / "roots.pem"
    wheels.mkdir()
    roots.touch()
    view = view_of(tmp_path, PIP_FIND_LINKS=f"{wheels} https://elsewhere", PIP_CERT=str(roots), SSL_CERT_DIR="/none")
    assert {Bind(str(wheels), str(wheels)), Bind(str(roots), str(roots))} <= set(view.binds)
    assert "/none" not in {bind.target for bind in view.binds}


def test_the_hosts_are_in_the_programs_own_file(tmp_path: Path) -> None:
    files = dict(view_of(tmp_path).files)
    assert "127.0.0.1 algo-2\n" in files["/etc/hosts"]
    assert files["/etc/passwd"].startswith("root:x:0:0:")


def test_a_state_folder_below_what_is_shown_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path))
    view = make_file_view(tmp_path / "ml", tmp_path / "tmp", tmp_path / "state", hosts=())
    assert str(tmp_path / "state") in view.hidden


def test_private_keys_and_the_key_of_artifacts_are_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path))
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "default"))
    hidden = make_file_view(tmp_path / "ml", tmp_path / "tmp", Path("/elsewhere"), hosts=()).hidden
    assert {"/etc/ssl/private", str(tmp_path / "default")} <= set(hidden)


def test_a_link_to_the_interpreter_does_not_show_the_folder_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment may be one of ~/.local/bin/python, beside which lies all of ~/.local."""
    venv, local = tmp_path / "venv" / "bin", tmp_path / "local" / "bin"
    venv.mkdir(parents=True)
    local.mkdir(parents=True)
    real = sys.executable
    (local / "python").symlink_to(real)
    (venv / "python").symlink_to(local / "python")
    monkeypatch.setattr(sys, "executable", str(venv / "python"))
    view = view_of(tmp_path)
    assert not {str(tmp_path), str(tmp_path / "local")} & {bind.target for bind in view.binds}
    links = dict(view.links)
    assert (links[str(venv / "python")], links[str(local / "python")]) == (str(local / "python"), real)
