import sys
from pathlib import Path

import pytest
from torch import nn

from naiad.client.job_network import JobNetwork, make_job_network
from naiad.errors import NetworkError
from naiad.trainer.nets.guide import SimpleNet

SOURCE = (
    "from torch import nn\n\nclass Mine(nn.Module):\n    def __init__(self, width=3):\n        super().__init__()\n"
)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[nn.Module]:
    """Returns a class of a module of the user's."""
    (tmp_path / "mine_of_the_user.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine_of_the_user", raising=False)
    module = __import__("mine_of_the_user")
    monkeypatch.setitem(sys.modules, "mine_of_the_user", module)
    return module.Mine


def test_names_and_none_are_sent_as_they_are() -> None:
    assert make_job_network("mlp") == JobNetwork("mlp")
    assert make_job_network("auto") == JobNetwork("auto")
    assert make_job_network(None) == JobNetwork(None)
    with pytest.raises(NetworkError, match="no network is called 'NoSuchNet'"):
        make_job_network("NoSuchNet")


def test_a_file_is_sent_with_its_text(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(SOURCE)
    assert make_job_network(f"{file}:Mine") == JobNetwork("net.py:Mine", "net.py", SOURCE.encode())
    with pytest.raises(NetworkError, match="there is no network file"):
        make_job_network(f"{tmp_path}/nothing.py:Mine")


def test_a_network_of_the_registry_is_sent_by_its_name() -> None:
    assert make_job_network(SimpleNet()) == make_job_network(SimpleNet) == JobNetwork("simplenet")


def test_a_class_and_its_instance_are_sent_as_their_module(mine: type[nn.Module]) -> None:
    assert (
        make_job_network(mine)
        == make_job_network(mine())
        == JobNetwork("network.py:Mine", "network.py", SOURCE.encode())
    )


def test_a_class_that_is_defined_in_no_file_is_refused() -> None:
    typed = type("Typed", (nn.Module,), {"__module__": "__console__"})
    with pytest.raises(NetworkError, match="the class Typed is defined in no file"):
        make_job_network(typed())


def test_a_class_that_needs_arguments_is_refused() -> None:
    class Needy(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()

    with pytest.raises(NetworkError, match="cannot be made without arguments: it needs width"):
        make_job_network(Needy)
