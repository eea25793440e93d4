"""Damaged databases are found, and the rows that can be read are saved."""

import contextlib
import sqlite3

import pytest

from naiad.service.store.soundness import copy_rows, find_damage, has_rows

PAGE_BYTES = 4096
ROWS = 400


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.db"
    make_table(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO things VALUES (?, ?)", [(f"{n:04d}", "x" * 300) for n in range(ROWS)])
        connection.commit()
    return path


def make_table(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE things (name TEXT, value TEXT)")
        connection.commit()


def overwrite(path, page, data):
    with path.open("r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(data)


def names_in(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM things")}


def test_a_sound_database_and_none_have_no_damage(path, tmp_path):
    assert find_damage(path) is None
    assert find_damage(tmp_path / "none.db") is None
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(("page", "data"), [(0, b"no database at all!"), (5, b"\0" * PAGE_BYTES), (7, b"\xff" * 100)])
def test_damage_is_found(path, page, data):
    overwrite(path, page, data)
    assert find_damage(path)


def test_a_file_that_was_cut_is_damaged(path):
    with path.open("r+b") as file:
        file.truncate(10 * PAGE_BYTES)
    assert find_damage(path)


def test_the_rows_beside_a_damaged_page_are_saved(path, tmp_path):
    overwrite(path, 7, b"\xff" * PAGE_BYTES)
    make_table(tmp_path / "new.db")
    assert copy_rows(path, tmp_path / "new.db", ["things"]) == {"things": False}
    saved = names_in(tmp_path / "new.db")
    assert ROWS - 30 < len(saved) < ROWS
    assert "0000" in saved
    assert f"{ROWS - 1:04d}" in saved


def test_all_rows_of_a_sound_database_are_copied_once(path, tmp_path):
    make_table(tmp_path / "new.db")
    assert copy_rows(path, tmp_path / "new.db", ["things", "missing"]) == {"things": True, "missing": False}
    assert len(names_in(tmp_path / "new.db")) == ROWS


def test_whether_there_are_rows(path, tmp_path):
    assert has_rows(path, "things")
    assert not has_rows(path, "others")
    overwrite(path, 0, b"no database at all!")
    assert not has_rows(path, "things")
