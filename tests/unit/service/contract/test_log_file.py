from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from naiad.service.contract.log_file import LogPage, read_events


def write(folder: Path, *lines: str) -> Path:
    path = folder / "log"
    path.write_bytes("".join(f"{number} {line}\n" for number, line in enumerate(lines)).encode())
    return path


def page(path: Path, start: int, *, forward: bool = True, events: int = 100, size: int = 10_000) -> LogPage:
    return read_events(path, start=start, limit_events=events, limit_bytes=size, forward=forward)


@pytest.mark.parametrize("forward", [True, False])
def test_a_log_that_does_not_exist_yet_is_empty(tmp_path: Path, *, forward: bool) -> None:
    assert page(tmp_path / "log", 0, forward=forward) == LogPage((), 0, 0)


def test_pages_forward_and_back(tmp_path: Path) -> None:
    path = write(tmp_path, "a", "b", "c")
    first = page(path, 0, events=2)
    assert first.events == ((0, "a"), (1, "b"))
    assert page(path, first.end).events == ((2, "c"),)
    assert page(path, first.end, forward=False).events == first.events
    assert page(path, path.stat().st_size, forward=False, events=1).events == ((2, "c"),)


@pytest.mark.parametrize("forward", [True, False])
def test_a_line_that_is_still_being_written_is_not_read(tmp_path: Path, *, forward: bool) -> None:
    path = write(tmp_path, "whole")
    with path.open("ab") as file:
        file.write(b"1 hal")
    start = 0 if forward else path.stat().st_size
    assert page(path, start, forward=forward).events == ((0, "whole"),)


@pytest.mark.parametrize("forward", [True, False])
def test_a_line_longer_than_the_page_limit_is_one_page(tmp_path: Path, *, forward: bool) -> None:
    path = write(tmp_path, "x" * 1000)
    start = 0 if forward else path.stat().st_size
    assert page(path, start, forward=forward, size=10).events == ((0, "x" * 1000),)


def test_a_start_beyond_the_end_gives_an_empty_page_at_the_end(tmp_path: Path) -> None:
    path = write(tmp_path, "a")
    assert page(path, 10**9) == LogPage((), 4, 4)


def test_malformed_lines_are_read_as_well_as_possible(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"no time\n\n7 \xff\n")
    assert page(path, 0).events == ((0, "time"), (0, ""), (7, "\ufffd"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    some.lists(some.text(some.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30), max_size=12),
    some.integers(1, 5),
    some.integers(1, 80),
)
def test_all_pages_in_a_row_are_the_whole_log(tmp_path: Path, lines: list[str], events: int, size: int) -> None:
    path = write(tmp_path, *lines)
    forward: list[tuple[int, str]] = []
    backward: list[tuple[int, str]] = []
    start, end = 0, path.stat().st_size
    while current := page(path, start, events=events, size=size):
        if not current.events:
            break
        forward += current.events
        start = current.end
    while current := page(path, end, forward=False, events=events, size=size):
        if not current.events:
            break
        backward = [*current.events, *backward]
        end = current.start
    assert forward == backward == list(enumerate(lines))
