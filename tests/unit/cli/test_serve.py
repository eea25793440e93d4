"""Options of the server, and errors before the server is loaded."""

import logging
from pathlib import Path

import pytest

from naiad.cli.main import main
from naiad.cli.output import LogFormatter
from naiad.cli.run_command import SUCCESS, USAGE_ERROR
from naiad.service.backup import BackupSchedule
from naiad.service.compose import Settings


def test_a_state_folder_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert main(["serve", "--state", str(file)]) == USAGE_ERROR
    message = capsys.readouterr().err
    assert f"error: {file} cannot be the state folder: it is a file" in message
    assert "hint: give another one: --state" in message


def test_options_become_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr("naiad.service.run.serve", lambda settings, *, ready: calls.append((settings, ready)))
    state = ["serve", "--state", str(tmp_path / "state")]
    assert (
        main([*state, "--no-fit-instances", "--no-aws-hosts", "--upload-timeout", "3", "--cache-gb", "2.5"]) == SUCCESS
    )
    assert main(state) == SUCCESS
    (changed, _), (plain, _) = calls
    assert (changed.fit_instances, changed.aws_hosts_port, changed.upload_timeout_s) == (False, None, 3.0)
    assert changed.cache_bytes == 2_500_000_000
    assert plain == Settings(tmp_path / "state")


def test_a_state_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["serve", "--state", str(tmp_path / "file" / "state")]) == USAGE_ERROR
    assert "cannot be the state folder: Not a directory" in capsys.readouterr().err


def test_the_log_has_no_effect_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr("naiad.service.run.serve", lambda settings, *, ready: None)
    assert main(["serve", "--state", str(tmp_path / "state")]) == SUCCESS
    [handler] = logging.root.handlers
    record = logging.LogRecord("n", logging.INFO, "p", 1, "a\x1b[2K\nb", (), None)
    assert isinstance(handler.formatter, LogFormatter)
    assert handler.format(record).endswith(r" INFO a\x1b[2K\nb")


def test_backups_are_scheduled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Settings] = []

    def record(settings: Settings, *, ready: object) -> None:
        calls.append(settings)

    monkeypatch.setattr("naiad.service.run.serve", record)
    state = ["serve", "--state", str(tmp_path / "state"), "--backup-to", str(tmp_path / "backups")]
    assert main([*state, "--backup-every", "12h", "--backup-keep", "3", "--backup-objects"]) == SUCCESS
    assert main(state) == SUCCESS
    assert main([*state, "--backup-every", "often"]) == USAGE_ERROR
    changed, plain = calls
    assert changed.backups == BackupSchedule(tmp_path / "backups", 43_200.0, 3, with_objects=True)
    assert plain.backups == BackupSchedule(tmp_path / "backups")
