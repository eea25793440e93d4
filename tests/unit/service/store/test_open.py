import stat

import pytest

from naiad.errors import FolderError, InputError, OptionError, PackageError
from naiad.service.domain.job import JobKind
from naiad.service.store import open as open_module
from naiad.service.store.open import open_store, parse_postgres_url
from naiad.service.store.port import JobQuery


def is_usable(store):
    jobs = store.find(JobQuery(JobKind.TRAINING)).jobs
    store.close()
    return jobs == ()


def test_a_folder_is_made_and_private(tmp_path):
    assert is_usable(open_store(tmp_path / "new" / "state"))
    assert stat.S_IMODE((tmp_path / "new" / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "state" / "naiad.db").stat().st_mode) == 0o600


def test_a_file_may_be_named(tmp_path):
    assert is_usable(open_store(f"sqlite:///{tmp_path}/other.db"))
    assert (tmp_path / "other.db").is_file()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///x.db?mode=ro"])
def test_a_database_without_a_file_is_refused(url):
    with pytest.raises(OptionError, match="names no file"):
        open_store(url)


@pytest.mark.parametrize("url", ["mysql://me:secret@host/db", "://", "postgresql://me:secret@host:port/db"])
def test_other_addresses_are_refused_without_showing_the_password(url):
    with pytest.raises(OptionError, match="postgresql://") as refused:
        open_store(url)
    assert "secret" not in str(refused.value)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot be opened"):
        open_store(tmp_path / "file")


def test_a_file_that_is_no_database_is_refused_and_left_unchanged(tmp_path):
    (tmp_path / "naiad.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(InputError, match=r"naiad.db cannot be used: file is not a database"):
        open_store(tmp_path)
    assert (tmp_path / "naiad.db").read_bytes() == b"not a database" * 1000


def test_without_psycopg_the_hint_names_the_package(monkeypatch):
    monkeypatch.setattr(open_module, "find_spec", lambda name: None)
    with pytest.raises(PackageError, match="the package psycopg is not installed") as refused:
        parse_postgres_url("postgresql://host/db")
    assert refused.value.hint == "in the clone of Naiad: pip install -e '.[postgres]'"
