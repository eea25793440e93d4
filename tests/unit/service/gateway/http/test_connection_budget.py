"""Connections without a whole head share one budget."""

import resource

import pytest

from naiad.service.gateway.http.connection_budget import ConnectionBudget


class Connection:
    def __init__(self):
        self.is_closed = False

    def close_waiting(self):
        self.is_closed = True


def closed(connections):
    return [number for number, connection in enumerate(connections) if connection.is_closed]


def test_a_new_connection_takes_the_place_of_the_oldest():
    budget, connections = ConnectionBudget(max_connections=2), [Connection() for _ in range(4)]
    for connection in connections[:3]:
        budget.add(connection)
    assert (closed(connections), len(budget)) == ([0], 2)
    budget.remove(connections[1])
    budget.add(connections[3])
    assert (closed(connections), len(budget)) == ([0], 2)


def test_the_largest_head_goes_where_all_hold_too_much():
    budget, connections = ConnectionBudget(max_bytes=100), [Connection() for _ in range(3)]
    for connection, size in zip(connections, (30, 50, 20), strict=True):
        budget.add(connection)
        budget.add_bytes(connection, size)
    assert closed(connections) == []
    budget.add_bytes(connections[2], 1)
    assert closed(connections) == [1]
    budget.add_bytes(connections[0], 49)
    assert closed(connections) == [1]
    budget.add_bytes(connections[0], 1)
    assert closed(connections) == [0, 1]


def test_a_whole_head_gives_its_bytes_back():
    budget, connection = ConnectionBudget(max_bytes=100), Connection()
    for _ in range(10):
        budget.add(connection)
        budget.add_bytes(connection, 90)
        budget.remove(connection)
    assert not connection.is_closed
    budget.add_bytes(connection, 1_000)
    assert not connection.is_closed


@pytest.mark.parametrize(("open_files", "closed_ones"), [(64, [0]), (66, []), (resource.RLIM_INFINITY, [])])
def test_the_files_of_the_process_are_not_used_up(monkeypatch, open_files, closed_ones):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (open_files, 2**20))
    budget, connections = ConnectionBudget(), [Connection() for _ in range(33)]
    for connection in connections:
        budget.add(connection)
    assert closed(connections) == closed_ones
