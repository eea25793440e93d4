"""Doors without a signature answer programs and this server's own pages, and no others."""

import threading
from dataclasses import replace

import pytest

from naiad.service.gateway import unsigned_doors
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.doors import open_doors


def get(client, path, *headers, **options):
    gateway = Gateway(open_doors(client.services, client.keys, None, open_metrics=True, **options))
    try:
        request = replace(client.sign(), method="GET", path=path, headers=list(headers))
        return replace(client, gateway=gateway).send(request)
    finally:
        gateway.close()


@pytest.mark.parametrize("path", ["/ping", "/metrics"])
@pytest.mark.parametrize("host", ["127.0.0.1:8128", "localhost:8128", "[::1]:8128"])
def test_programs_and_own_pages(client, path, host):
    assert get(client, path, ("host", host)).status == 200
    assert (
        get(client, path, ("host", host), ("origin", f"http://{host}"), ("sec-fetch-site", "same-origin")).status == 200
    )


@pytest.mark.parametrize("path", ["/ping", "/metrics"])
@pytest.mark.parametrize(
    "headers",
    [
        [("host", "evil.test:8128")],
        [("host", "127.0.0.1:8128"), ("origin", "http://evil.test")],
        [("host", "127.0.0.1:8128"), ("origin", "null")],
        [("host", "127.0.0.1:8128"), ("sec-fetch-site", "cross-site")],
    ],
    ids=["rebinding", "origin", "a sandboxed page", "an image"],
)
def test_pages_of_others_get_nothing(client, path, headers):
    response = get(client, path, *headers)
    assert response.status == 403
    assert b"healthy" not in response.body
    assert b"naiad_" not in response.body


def test_a_server_beyond_this_machine_has_names_that_it_does_not_know(client):
    assert get(client, "/ping", ("host", "naiad.lan"), host_names=None).status == 200
    assert get(client, "/ping", ("host", "naiad.lan"), ("origin", "http://evil.test"), host_names=None).status == 403


def test_metrics_are_written_beside_the_event_loop(client, monkeypatch):
    """A thousand endpoints have fifty thousand lines."""
    in_main_thread = []

    def render(_snapshot):
        in_main_thread.append(threading.current_thread() is threading.main_thread())
        return b""

    monkeypatch.setattr(unsigned_doors, "render_metrics", render)
    assert get(client, "/metrics", ("host", "localhost")).status == 200
    assert in_main_thread == [False]
