"""Exported programs and ONNX models: what they compute, and the reasons why an export fails."""

import copy
import io
import pickle
import zipfile

import pytest
import torch
from torch import nn

from naiad.trainer.artifact.export import (
    ExportedModule,
    ExportFailure,
    convert_to_onnx,
    export_program,
    inference_copy,
    load_program,
    serialize_program,
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
    """Runs on an even batch only."""

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
    return inference_copy(Convolutional())


def test_the_copy_for_inference_is_independent():
    net = Convolutional().to(memory_format=torch.channels_last)
    copy = inference_copy(net)
    assert net.training
    assert not copy.training
    assert copy.body[0].weight is not net.body[0].weight
    assert copy.body[0].weight.is_contiguous()
    assert inference_copy(Locked()) == ExportFailure("the network cannot be copied: TypeError: cannot be copied")


def test_a_serialized_program_runs_on_any_batch(module, images, capfd):
    data = serialize_program(export_program(module, images), module, images)
    loaded = load_program(io.BytesIO(data))
    for size in (1, 2, 3, 7):
        batch = images[torch.arange(size) % 3]
        assert torch.equal(loaded(batch), module(batch))
    assert capfd.readouterr() == ("", "")


def test_an_exported_module_has_only_the_mode_for_inference(module, images):
    loaded = load_program(io.BytesIO(serialize_program(export_program(module, images[:1]), module, images)))
    assert isinstance(loaded, ExportedModule)
    assert loaded.train() is loaded
    assert loaded.eval() is loaded
    assert not loaded.training


def test_a_program_names_no_path_of_this_machine(module, images):
    data = serialize_program(export_program(module, images), module, images)
    assert __file__.encode() not in data


def test_a_program_holds_no_pickle(module, images):
    data = serialize_program(export_program(module, images), module, images)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    for name, content in contents.items():
        assert not content.startswith((b"\x80", b"PK")), name
        assert b"torch._utils" not in content, name


def test_a_loaded_program_checks_the_shape_of_its_input(module, images):
    loaded = load_program(io.BytesIO(serialize_program(export_program(module, images), module, images)))
    with pytest.raises(Exception, match=r"(?i)guard|shape|size"):
        loaded(torch.zeros(2, 1, 9, 9))


def test_onnx_agrees_in_onnxruntime(module, images, capfd):
    onnxruntime = pytest.importorskip("onnxruntime")
    data = convert_to_onnx(export_program(module, images), module, images)
    session = onnxruntime.InferenceSession(data)
    assert session.get_inputs()[0].shape == ["batch", 1, 8, 8]
    for size in (1, 3):
        (scores,) = session.run(["scores"], {"raw": images[:size].numpy()})
        torch.testing.assert_close(torch.from_numpy(scores), module(images[:size]), rtol=1e-4, atol=1e-5)
    assert capfd.readouterr() == ("", "")


def test_a_failed_export_has_a_reason_of_one_line(capfd):
    failure = export_program(Branching().eval(), torch.randn(3, 4))
    assert isinstance(failure, ExportFailure)
    assert failure.reason.startswith("torch.export refuses the network: GuardOnDataDependentSymNode: Could not guard")
    assert "\n" not in failure.reason
    assert capfd.readouterr() == ("", "")


def test_a_fixed_batch_size_is_refused():
    pairs = Pairs().eval()
    exported = export_program(pairs, torch.randn(3, 4))
    assert isinstance(exported, ExportFailure)


def test_an_export_that_differs_from_the_module_is_refused(module, images):
    exported = export_program(module, images)
    other = inference_copy(Convolutional())
    failure = serialize_program(exported, other, images)
    assert isinstance(failure, ExportFailure)
    assert "differs by up to" in failure.reason
    assert isinstance(convert_to_onnx(exported, other, images), ExportFailure)


@pytest.mark.parametrize("again", [lambda module: pickle.loads(pickle.dumps(module)), copy.deepcopy])
def test_an_exported_program_can_be_pickled_and_copied(module, images, again):
    loaded = load_program(io.BytesIO(serialize_program(export_program(module, images), module, images)))
    assert torch.equal(again(loaded)(images), loaded(images))
    assert torch.equal(again(again(loaded))(images[:1]), loaded(images[:1]))
