import io

import pytest
import torch
from torch import nn

from naiad.trainer.artifact.export import (
    ExportedModule,
    Refused,
    deployable,
    export_program,
    load_program,
    onnx_bytes,
    program_bytes,
)


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Flatten())
        self.out = nn.Linear(4 * 6 * 6, 3)

    def forward(self, raw):
        return torch.softmax(self.out(self.body(raw.float() / 255)), dim=1)


class Branching(nn.Module):
    def forward(self, raw):
        return raw[:, :2] if raw.sum() > 0 else -raw[:, :2]


class Pairs(nn.Module):
    """Only runs on an even batch."""

    def forward(self, raw):
        return raw.view(-1, 2, raw.shape[1]).sum(dim=1)


class Locked(nn.Module):
    def __deepcopy__(self, memo):
        raise TypeError("cannot be copied")


@pytest.fixture
def images():
    return torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def module():
    torch.manual_seed(0)
    return deployable(Convolutional())


def test_deployable_is_a_copy_for_inference():
    net = Convolutional().to(memory_format=torch.channels_last)
    copy = deployable(net)
    assert net.training
    assert not copy.training
    assert copy.body[0].weight is not net.body[0].weight
    assert copy.body[0].weight.is_contiguous()
    assert deployable(Locked()) == Refused("the network cannot be copied: TypeError: cannot be copied")


def test_program_bytes_run_on_any_batch(module, images, capfd):
    data = program_bytes(export_program(module, images), module, images)
    loaded = load_program(io.BytesIO(data))
    for size in (1, 2, 3, 7):
        batch = images[torch.arange(size) % 3]
        assert torch.equal(loaded(batch), module(batch))
    assert capfd.readouterr() == ("", "")


def test_an_exported_module_has_one_mode(module, images):
    loaded = load_program(io.BytesIO(program_bytes(export_program(module, images[:1]), module, images)))
    assert isinstance(loaded, ExportedModule)
    assert loaded.train() is loaded
    assert loaded.eval() is loaded
    assert not loaded.training


def test_a_program_names_no_path_of_this_machine(module, images):
    data = program_bytes(export_program(module, images), module, images)
    assert __file__.encode() not in data


def test_onnx_agrees_in_onnxruntime(module, images, capfd):
    onnxruntime = pytest.importorskip("onnxruntime")
    data = onnx_bytes(export_program(module, images), module, images)
    session = onnxruntime.InferenceSession(data)
    assert session.get_inputs()[0].shape == ["batch", 1, 8, 8]
    for size in (1, 3):
        (scores,) = session.run(["scores"], {"raw": images[:size].numpy()})
        torch.testing.assert_close(torch.from_numpy(scores), module(images[:size]), rtol=1e-4, atol=1e-5)
    assert capfd.readouterr() == ("", "")


def test_what_torch_export_refuses_has_a_reason_of_one_line(capfd):
    refused = export_program(Branching().eval(), torch.randn(3, 4))
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("torch.export refuses the network: GuardOnDataDependentSymNode: Could not guard")
    assert "\n" not in refused.reason
    assert capfd.readouterr() == ("", "")


def test_a_batch_size_that_is_fixed_is_refused():
    pairs = Pairs().eval()
    exported = export_program(pairs, torch.randn(3, 4))
    assert isinstance(exported, Refused)


def test_an_export_that_differs_from_the_module_is_refused(module, images):
    exported = export_program(module, images)
    other = deployable(Convolutional())
    refused = program_bytes(exported, other, images)
    assert isinstance(refused, Refused)
    assert "differs by up to" in refused.reason
    assert isinstance(onnx_bytes(exported, other, images), Refused)
