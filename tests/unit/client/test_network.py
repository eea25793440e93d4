import sys
from pathlib import Path

import pytest
from torch import nn

from naiad.client.network import SentNetwork, sent_network
from naiad.errors import NetworkError
from naiad.trainer.nets.guide import SimpleNet

SOURCE = (
    "from torch import nn\n\nclass Mine(nn.Module):\n    def __init__(self, width=3):\n        super().__init__()\n"
)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[nn.Module]:
    """A class of a module of the user's."""
    (tmp_path / "mine_of_the_user.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine_of_the_user", raising=False)
    module = __import__("mine_of_the_user")
    monkeypatch.setitem(sys.modules, "mine_of_the_user", module)
    return module.Mine


def test_names_and_nothing_go_as_they_are() -> None:
    assert sent_network("mlp") == SentNetwork("mlp")
    assert sent_network("auto") == SentNetwork("auto")
    assert sent_network(None) == SentNetwork(None)
    with pytest.raises(NetworkError, match="no network is called 'NoSuchNet'"):
        sent_network("NoSuchNet")


def test_a_file_goes_with_its_text(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(SOURCE)
    assert sent_network(f"{file}:Mine") == SentNetwork("net.py:Mine", "net.py", SOURCE.encode())
    with pytest.raises(NetworkError, match="there is no network file"):
        sent_network(f"{tmp_path}/nothing.py:Mine")


def test_a_network_that_the_trainer_knows_goes_by_its_name() -> None:
    assert sent_network(SimpleNet()) == sent_network(SimpleNet) == SentNetwork("simplenet")


def test_a_class_and_its_instance_go_as_their_module(mine: type[nn.Module]) -> None:
    assert sent_network(mine) == sent_network(mine()) == SentNetwork("network.py:Mine", "network.py", SOURCE.encode())


def test_a_class_that_stands_in_no_file_is_refused() -> None:
    typed = type("Typed", (nn.Module,), {"__module__": "__console__"})
    with pytest.raises(NetworkError, match="Typed stands in no file"):
        sent_network(typed())


def test_a_class_that_cannot_be_made_is_refused() -> None:
    class Needy(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()

    with pytest.raises(NetworkError, match="cannot be made without arguments: it needs width"):
        sent_network(Needy)
