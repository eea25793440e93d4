"""Networks from the user's own file."""

import sys

import pytest
import torch

from naiad.errors import NetworkError
from naiad.trainer.nets.network_file import is_file_reference, load_network_file

GOOD = """\
import torch
from torch import nn

class Tiny(nn.Module):
    def __init__(self, classes: int = 3):
        super().__init__()
        self.layer = nn.Linear(5, classes)

    def forward(self, x):
        return self.layer(x)
"""


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="tiny.py"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write_file


def test_a_class_of_a_file(write):
    net, source = load_network_file(f"{write(GOOD)}:Tiny")
    assert net(torch.randn(2, 5)).shape == (2, 3)
    assert (source.name, source.registered, source.source) == ("Tiny", False, GOOD)
    assert "tiny" not in sys.modules


def test_a_file_with_one_network_needs_no_name(write):
    assert type(load_network_file(str(write(GOOD)))[0]).__name__ == "Tiny"


def test_a_file_of_the_same_folder_can_be_imported(write):
    write("WIDTH = 7\n", "neighbour_of_tiny.py")
    text = GOOD.replace("5, classes", "WIDTH, classes")
    net, _ = load_network_file(f"{write(text.replace('import torch', 'from neighbour_of_tiny import WIDTH', 1))}:Tiny")
    assert net.layer.in_features == 7
    del sys.modules["neighbour_of_tiny"]


def test_a_changed_file_is_read_again(write):
    file = write(GOOD)
    load_network_file(f"{file}:Tiny")
    write(GOOD.replace("= 3", "= 4"))
    assert load_network_file(f"{file}:Tiny")[0].layer.out_features == 4


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (GOOD, "Tinny", "has no class 'Tinny'"),
        (GOOD, "torch", "torch of"),
        ("class Tiny: pass\n", "Tiny", "it is a class without torch.nn.Module"),
        (GOOD.replace(" = 3", ""), "Tiny", "it needs classes"),
        (GOOD.replace("nn.Linear(5", "nn.Linnear(5"), "Tiny", "(line 7: self.layer = nn.Linnear(5, classes))"),
        ("import torch\n1 / 0\n", "Tiny", "ZeroDivisionError: division by zero (line 2: 1 / 0)"),
        ("class Tiny(:\n", "Tiny", "(line 1: class Tiny(:)"),
        ("raise SystemExit(3)\n", "Tiny", "SystemExit: 3 (line 1: raise SystemExit(3))"),
    ],
)
def test_a_broken_file_is_an_error(write, text, name, message):
    with pytest.raises(NetworkError) as caught:
        load_network_file(f"{write(text)}:{name}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_similar_class_is_suggested(write):
    with pytest.raises(NetworkError) as caught:
        load_network_file(f"{write(GOOD)}:Tinny")
    assert caught.value.hint == "did you mean 'Tiny'?"


def test_two_networks_need_a_name(write):
    with pytest.raises(NetworkError, match="must define one network, but defines Tiny, Other") as caught:
        load_network_file(str(write(GOOD + "\nclass Other(Tiny): pass\n")))
    assert caught.value.hint.endswith("tiny.py:Class")


def test_a_missing_file_suggests_a_similar_one(write):
    file = write(GOOD)
    with pytest.raises(NetworkError, match="no network file") as caught:
        load_network_file(f"{file.with_name('tinny.py')}:Tiny")
    assert "tiny.py" in caught.value.hint


def test_a_file_that_is_no_text_is_an_error(tmp_path):
    (tmp_path / "tiny.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NetworkError, match="cannot read"):
        load_network_file(f"{tmp_path / 'tiny.py'}:Tiny")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("a.py:Net", True),
        ("a.py", True),
        ("C:/x/a.py:Net", True),
        ("simplenet", False),
        ("torchvision/resnet18", False),
    ],
)
def test_file_references(text, answer):
    assert is_file_reference(text) is answer
