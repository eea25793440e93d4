import sys

import pytest
import torch

from naiad.errors import NetworkError
from naiad.trainer.nets.source import from_file, is_file_reference

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
def written(tmp_path):
    def write(text, name="tiny.py"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


def test_a_class_of_a_file(written):
    net, source = from_file(f"{written(GOOD)}:Tiny")
    assert net(torch.randn(2, 5)).shape == (2, 3)
    assert (source.name, source.registered, source.source) == ("Tiny", False, GOOD)
    assert "tiny" not in sys.modules


def test_a_file_with_one_network_needs_no_name(written):
    assert type(from_file(str(written(GOOD)))[0]).__name__ == "Tiny"


def test_a_neighbour_may_be_imported(written):
    written("WIDTH = 7\n", "neighbour_of_tiny.py")
    text = GOOD.replace("5, classes", "WIDTH, classes")
    net, _ = from_file(f"{written(text.replace('import torch', 'from neighbour_of_tiny import WIDTH', 1))}:Tiny")
    assert net.layer.in_features == 7
    del sys.modules["neighbour_of_tiny"]


def test_a_changed_file_is_read_again(written):
    file = written(GOOD)
    from_file(f"{file}:Tiny")
    written(GOOD.replace("= 3", "= 4"))
    assert from_file(f"{file}:Tiny")[0].layer.out_features == 4


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
def test_what_is_wrong_is_told(written, text, name, message):
    with pytest.raises(NetworkError) as caught:
        from_file(f"{written(text)}:{name}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_nearest_class_is_offered(written):
    with pytest.raises(NetworkError) as caught:
        from_file(f"{written(GOOD)}:Tinny")
    assert caught.value.hint == "did you mean 'Tiny'?"


def test_two_networks_need_a_name(written):
    with pytest.raises(NetworkError, match=r"it has Tiny, Other") as caught:
        from_file(str(written(GOOD + "\nclass Other(Tiny): pass\n")))
    assert caught.value.hint.endswith("tiny.py:Class")


def test_no_such_file(written):
    file = written(GOOD)
    with pytest.raises(NetworkError, match="no network file") as caught:
        from_file(f"{file.with_name('tinny.py')}:Tiny")
    assert "tiny.py" in caught.value.hint


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "tiny.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NetworkError, match="cannot read"):
        from_file(f"{tmp_path / 'tiny.py'}:Tiny")


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
def test_what_is_a_file_reference(text, answer):
    assert is_file_reference(text) is answer
