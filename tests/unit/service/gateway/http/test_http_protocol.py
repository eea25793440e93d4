"""Bounds of a connection, before there is a request."""

import pytest
from http_connections import HEAD, RecordingTransport, feed_endlessly, with_connection
from uvicorn.server import ServerState

from naiad.service.gateway.http import http_protocol as bounds
from naiad.service.gateway.http.connection_budget import ConnectionBudget
from naiad.service.gateway.http.http_protocol import HEAD_TIMEOUT_S, MAX_HEAD_BYTES, BoundedHttpProtocol

PIECE = 8_192


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (HEAD, b"a: b\r\n" * (PIECE // 6)),
        (HEAD + b"one: ", b"x" * PIECE),
        (HEAD, b"x" * PIECE),
        (b"GET /", b"x" * PIECE),
    ],
    ids=["many", "one value", "one name", "the target"],
)
def test_a_head_without_end(begin, endless):
    transport, taken = feed_endlessly(endless, begin=begin)
    assert transport.is_closed
    assert taken <= MAX_HEAD_BYTES + 2 * PIECE
    assert transport.written.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize(
    "endless",
    [b"a: b\r\n" * (PIECE // 6), b"x" * PIECE],
    ids=["trailers", "one trailer"],
)
def test_trailers_without_end(endless):
    begin = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    transport, taken = feed_endlessly(endless, begin=begin)
    assert transport.is_closed
    assert taken <= MAX_HEAD_BYTES + 2 * PIECE


def test_a_chunks_size_without_end():
    transport, _ = feed_endlessly(b";" + b"x" * PIECE, begin=HEAD + b"Transfer-Encoding: chunked\r\n\r\n1")
    assert transport.is_closed


def test_a_long_body_is_no_long_head():
    for begin in (b"Content-Length: 9999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"):
        transport, taken = feed_endlessly(b"x" * PIECE, begin=HEAD + begin)
        assert not transport.is_closed
        assert taken >= 4 * MAX_HEAD_BYTES


def test_requests_one_after_another_do_not_add_up():
    def feed(connection, transport, _):
        for _ in range(100):
            connection.data_received(b"GET / HTTP/1.1\r\nHost: x\r\nlong: " + b"x" * 2_000 + b"\r\n\r\n")
            connection.cycle.response_complete = True
        return transport

    assert not with_connection(feed).is_closed


def test_a_slow_head_ends_the_connection():
    def silent(_, transport, loop):
        assert [timer.delay_s for timer in loop.timers] == [HEAD_TIMEOUT_S]
        loop.fire_timers()
        return transport

    def slow(connection, transport, loop):
        connection.data_received(HEAD[:5])
        connection.data_received(HEAD[5:])
        assert len([timer for timer in loop.timers if not timer.is_cancelled]) == 1
        loop.fire_timers()
        return transport

    assert with_connection(silent).is_closed
    assert with_connection(slow).is_closed


def test_a_whole_head_stops_the_timer():
    def whole(connection, transport, loop):
        connection.data_received(HEAD + b"\r\n")
        loop.fire_timers()
        return transport

    assert not with_connection(whole).is_closed


def test_an_endless_head_does_not_write_into_the_answer_before_it():
    """A second head while the first request is still being answered: no 431 in the middle of that answer."""
    transport, _ = feed_endlessly(b"x" * PIECE, begin=b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nlong: ")
    assert transport.was_aborted
    assert transport.written == b""


def answer_to(data):
    def send(connection, transport, _):
        connection.data_received(data)
        return transport

    transport = with_connection(send)
    return transport.written.partition(b"\r\n")[0], transport.is_closed


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /\r\n\r\n", b"400"),
        (b"GET / HTTP/0.9\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /" + b"a" * bounds.MAX_TARGET_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET /?" + b"a&" * bounds.MAX_PARAMETERS + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (HEAD + b"a: b\r\n" * bounds.MAX_HEADER_LINES + b"\r\n", b"431"),
        (b"no HTTP\r\n\r\n", b"400"),
    ],
    ids=["HTTP/0.9", "HTTP/0.9 by name", "a long target", "parameters", "headers", "another protocol"],
)
def test_whole_heads_that_are_refused(data, status):
    """Heads in one piece never wait, so that no limit of what waits counts."""
    line, is_closed = answer_to(data)
    assert is_closed
    assert line.startswith(b"HTTP/1.1 " + status)


def test_heads_at_the_limits_are_requests():
    parameters = b"&".join([b"a"] * bounds.MAX_PARAMETERS)
    target = b"/?" + parameters + b"b" * (bounds.MAX_TARGET_BYTES - len(parameters) - 2)
    head = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * (bounds.MAX_HEADER_LINES - 1) + b"\r\n"
    assert answer_to(head) == (b"", False)


def test_requests_far_ahead_of_their_answers_end_the_connection():
    one = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert answer_to(one * (bounds.MAX_PIPELINED_REQUESTS + 1)) == (b"", False)
    assert answer_to(one * 10_000) == (b"", True)


def test_a_connection_waits_until_its_head_is_whole():
    budget = ConnectionBudget()

    def feed(connection, transport, _):
        counts = [len(budget)]
        for data in (HEAD, b"\r\n"):
            connection.data_received(data)
            counts.append(len(budget))
        connection.connection_lost(None)
        return [*counts, len(budget)]

    assert with_connection(feed, budget=budget) == [1, 1, 0, 0]


def test_half_a_head_is_closed_for_the_connections_after_it():
    budget = ConnectionBudget(max_connections=1)

    def open_two(connection, transport, loop):
        connection.data_received(HEAD)
        second = BoundedHttpProtocol(connection.config, ServerState(), {}, loop, budget=budget)
        second.connection_made(RecordingTransport())
        return transport.is_closed, second.transport.is_closing()

    assert with_connection(open_two, budget=budget) == (True, False)


def test_bytes_of_heads_count_together():
    budget = ConnectionBudget(max_bytes=100)

    def send(connection, transport, _):
        connection.data_received(HEAD + b"x" * 100)
        return transport

    transport = with_connection(send, budget=budget)
    assert transport.is_closed
    assert transport.written == b""


def test_chunks_of_one_byte_are_passed_on_together():
    """Each was passed on by itself: one read of the socket held up the loop for a third of a second."""
    passed_on = []

    class Recorder(BoundedHttpProtocol):
        def _pass_on_body(self):
            passed_on.append(b"".join(self._body_pieces))
            super()._pass_on_body()

    def feed(connection, transport, loop):
        connection = Recorder(connection.config, ServerState(), {}, loop)
        connection.connection_made(transport)
        connection.data_received(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000)
        body = bytes(connection.cycle.body)
        connection.data_received(b"1\r\ny\r\n0\r\n\r\n")
        return body, bytes(connection.cycle.body), connection.cycle.more_body

    assert with_connection(feed) == (b"x" * 10_000, b"x" * 10_000 + b"y", False)
    assert [len(piece) for piece in passed_on if piece] == [10_000, 1]


def test_a_whole_request_is_answered_when_no_request_follows_it():
    def feed(connection, transport, _):
        connection.data_received(HEAD + b"Content-Length: 3\r\n\r\nhello")
        return transport, connection.cycle

    transport, cycle = with_connection(feed)
    assert (transport.is_closed, transport.written) == (False, b"")
    assert (bytes(cycle.body), cycle.keep_alive, cycle.more_body) == (b"hel", False, False)
    assert feed_endlessly(b"no chunk", begin=HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel")[0].was_aborted
