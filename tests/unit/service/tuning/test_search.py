"""The process of the search: spoken with, killed, silent, and wrong."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from naiad.service.tuning.search import SearchError, SearchProcess

ECHO = """
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "exit":
        sys.exit(3)
    if request["op"] == "sleep":
        import time; time.sleep(60)
    if request["op"] == "say":
        print(request["text"], flush=True)
        continue
    secrets = [name for name in os.environ if "KEY" in name]
    print(json.dumps({"pid": os.getpid(), "length": len(line), "secrets": secrets, "nice": os.nice(0)}), flush=True)
"""


@pytest.fixture
def make() -> Iterator[Callable[..., SearchProcess]]:
    made: list[SearchProcess] = []

    def make_one(text: str = ECHO, **options: float) -> SearchProcess:
        made.append(SearchProcess([sys.executable, "-c", text], **options))
        return made[-1]

    yield make_one
    for one in made:
        one.close()


def ask(search: SearchProcess, op: str = "ask", **values: Any) -> dict[str, Any]:
    return search.submit({"op": op, **values}).result(timeout=60)


def test_one_process_answers_many_requests(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    search = make()
    first, second = ask(search), ask(search, text="x" * 1_000_000)
    assert first["pid"] == second["pid"] != os.getpid()
    assert second["length"] > 1_000_000
    assert first["secrets"] == []
    assert first["nice"] >= max(10, os.nice(0))


def test_a_killed_process_is_started_again(make: Any) -> None:
    search = make()
    pid = ask(search)["pid"]
    os.kill(pid, signal.SIGKILL)
    while search._process.poll() is None:
        time.sleep(0.001)
    assert ask(search)["pid"] != pid


def test_a_process_that_ends_is_an_error_and_the_next_request_is_answered(make: Any) -> None:
    search = make()
    with pytest.raises(SearchError, match="has ended with status 3"):
        ask(search, "exit")
    assert ask(search)["pid"]


def test_a_silent_process_is_ended(make: Any) -> None:
    search = make(timeout_s=0.3)
    with pytest.raises(SearchError, match="not answered in time"):
        ask(search, "sleep")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"error": "no torch"}', "the search says: no torch"),
        ("hello", "which is no JSON"),
        ("[1]", "which is no object"),
    ],
)
def test_wrong_answers_are_errors(make: Any, text: str, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        ask(make(), "say", text=text)


def test_a_program_that_is_not_there_is_an_error() -> None:
    search = SearchProcess(["/no/such/program"])
    with pytest.raises(OSError, match="No such file"):
        ask(search)
    search.close()


def test_an_idle_process_is_ended(make: Any) -> None:
    search = make(idle_s=0.0)
    pid = ask(search)["pid"]
    search.end_idle()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_closed_search_answers_nobody(make: Any) -> None:
    search = make()
    ask(search)
    future = search.submit({"op": "sleep"})
    while not future.running():
        time.sleep(0.001)
    search.close()
    with pytest.raises(SearchError):
        future.result(timeout=60)
