"""Models are saved as artifacts and loaded again."""

import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from naiad.errors import ArtifactError, FolderError, NetworkError
from naiad.trainer.artifact.folder import add_files
from naiad.trainer.artifact.program import CentroidHead, Encoder, Program, RescaleHead, SoftmaxHead
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.features.array import ArrayFeatures, ArraySchema
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.load import load
from naiad.trainer.model.model import EpochRecord, Model
from naiad.trainer.nets.guide import SimpleNet
from naiad.trainer.nets.network_source import NetworkSource

IMAGES = torch.randint(0, 256, (5, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
CLASSES = tuple(f"shoe {index}" for index in range(10))


class Mine(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.hidden = nn.Linear(5, width)
        self.out = nn.Linear(width, 3)

    def forward(self, inputs):
        return self.out(self.hidden(inputs).relu())


class Branching(Mine):
    def forward(self, inputs):
        return super().forward(inputs if inputs.sum() > 0 else -inputs)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Linear(5, 5, bias=False)
        self.up = nn.Linear(5, 5, bias=False)
        self.up.weight = self.down.weight

    def forward(self, inputs):
        return self.up(self.down(inputs).relu())


class TinyAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Linear(5, 2)
        self.up = nn.Linear(2, 5)

    def encode(self, inputs):
        return self.down(inputs)

    def forward(self, inputs):
        return self.up(self.encode(inputs))


@pytest.fixture
def make(plan):
    def make_model(net, *, head=None, task=Task.CLASSIFICATION, classes=("a", "b", "c")):
        torch.manual_seed(0)
        return Model(
            program=Program(ArrayFeatures(torch.arange(5.0), torch.ones(5)), net, head or SoftmaxHead()).eval(),
            task=task,
            schema=ArraySchema((5,)),
            classes=classes,
            target_name="class",
            plan=plan(augment=("flip",)),
            network=NetworkSource(type(net).__name__, registered=False, source="class Mine: ...\r\n# ä\n"),
            findings=Findings(
                (Finding("constant-column", "train", 2, Action.REPORTED, "two columns never change", ("column 1",)),)
            ),
            history=(EpochRecord(1, 10, 0.5, 0.1, 1.5, {"loss": 0.4, "accuracy": 0.9}),),
            evaluations={"test": {"metrics": {"accuracy": 0.9}}},
            baseline={"name": "majority class"},
            samples=torch.randn(4, 5),
        )

    return make_model


@pytest.fixture(scope="module")
def saved_once(tmp_path_factory):
    return tmp_path_factory.mktemp("saved_once")


@pytest.fixture
def mine(make, saved_once, tmp_path):
    """A model and its artifact. Each test has a copy, because exporting takes a second."""
    torch.manual_seed(0)
    model = make(Mine())
    if not (saved_once / "mine").exists():
        model.save(saved_once / "mine")
    shutil.copytree(saved_once / "mine", tmp_path / "mine")
    return model, tmp_path / "mine"


@pytest.fixture
def shoes(plan):
    torch.manual_seed(0)
    return Model(
        program=Program(ImageFeatures(torch.tensor([72.0]), torch.tensor([90.0])), SimpleNet(), SoftmaxHead()).eval(),
        task=Task.CLASSIFICATION,
        schema=ImageSchema(1, 28, 28),
        classes=CLASSES,
        target_name="class",
        plan=plan(),
        network=NetworkSource("simplenet", registered=True, arguments={"input_shape": (1, 28, 28), "outputs": 10}),
        samples=IMAGES,
    )


def test_everything_but_the_program_is_read_back(mine):
    model, folder = mine
    loaded = load(folder)
    names = "task schema classes target_name plan network findings history evaluations baseline"
    for name in names.split():
        assert getattr(loaded, name) == getattr(model, name), name
    assert torch.equal(loaded.samples, model.samples)
    assert loaded.path == folder
    assert loaded.missing == {}


def test_an_exported_program_has_nearly_equal_scores_and_a_module_equal_ones(shoes, tmp_path):
    expected = shoes.predict(IMAGES)
    shoes.program.net.to(memory_format=torch.channels_last)
    folder = shoes.save(tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        "naiad.json", "model.safetensors", "program.pt2", "model.onnx", "samples.safetensors", "features.pt2", "head.pt2",
    }  # fmt: skip
    exported, module = load(folder), load(folder, module=True)
    as_given = load(folder, net=SimpleNet)
    assert np.allclose(exported.predict(IMAGES).scores, expected.scores, rtol=1e-5, atol=1e-6)
    assert list(exported.predict(IMAGES).labels) == list(expected.labels)
    assert isinstance(module.program.net, SimpleNet)
    for model in (module, as_given):
        assert np.array_equal(model.predict(IMAGES).scores, expected.scores)


def test_a_model_loaded_as_a_module_can_be_saved_again(mine, tmp_path):
    model, folder = mine
    again = load(folder, net=Mine)
    last = load(again.save(tmp_path / "again"), net=Mine())
    assert last.missing == {}
    assert np.array_equal(last.predict(model.samples).scores, model.predict(model.samples).scores)


def test_weights_have_the_names_of_the_program(mine):
    model, folder = mine
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    assert weights.keys() == model.program.state_dict().keys()
    assert torch.equal(weights["net.hidden.weight"], model.program.net.hidden.weight)


def test_samples_are_saved_with_their_scores(mine):
    model, folder = mine
    samples = safetensors.torch.load_file(folder / "samples.safetensors")
    assert np.array_equal(samples["scores"].numpy(), model.predict(samples["raw"]).scores)


LOAD_IN_NEW_PROCESS = """
    import sys
    import numpy as np
    import naiad

    model = naiad.load(sys.argv[1])
    np.save(sys.argv[2], model.predict(np.load(sys.argv[3])).scores)
"""


def test_a_process_without_the_class_can_load_the_model(mine, tmp_path):
    model, folder = mine
    np.save(tmp_path / "raw.npy", model.samples.numpy())
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(LOAD_IN_NEW_PROCESS)]
    paths = [folder, tmp_path / "scores.npy", tmp_path / "raw.npy"]
    subprocess.run([*command, *paths], check=True, cwd=tmp_path)
    assert np.allclose(np.load(tmp_path / "scores.npy"), model.predict(model.samples).scores, rtol=1e-5, atol=1e-6)


def test_a_flipped_bit_in_any_file_is_found(mine):
    _, folder = mine
    (folder / "report").mkdir()
    (folder / "report.html").write_text("<p>a report</p>")
    (folder / "report" / "curves.png").write_bytes(b"no real picture")
    add_files(folder, ["report.html", "report"])
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 10, files
    for name in files:
        whole = (folder / name).read_bytes()
        for position in (0, len(whole) // 2, len(whole) - 1):
            damaged = bytearray(whole)
            damaged[position] ^= 1
            (folder / name).write_bytes(damaged)
            with pytest.raises(ArtifactError, match=str(name)):
                load(folder)
        (folder / name).write_bytes(whole)
        (folder / name).unlink()
        with pytest.raises(ArtifactError, match=str(name)):
            load(folder)
        (folder / name).write_bytes(whole)
    load(folder)


def test_a_network_that_torch_export_refuses_is_saved_as_weights_and_source(make, tmp_path):
    model = make(Branching())
    folder = model.save(tmp_path)
    assert set(model.missing) == {"program.pt2", "model.onnx"}
    assert "torch.export refuses the network" in model.missing["program.pt2"]
    assert (folder / "network.py").read_bytes() == model.network.source.encode()
    with pytest.raises(ArtifactError, match=r"holds weights but no program: torch.export refuses") as raised:
        load(folder)
    assert "net=Branching" in raised.value.hint
    loaded = load(folder, net=Branching)
    assert loaded.missing == model.missing
    assert np.array_equal(loaded.predict(model.samples).scores, model.predict(model.samples).scores)


def test_tied_weights_are_tied_after_loading(make, tmp_path):
    model = make(Tied(), classes=tuple("abcde"))
    folder = model.save(tmp_path)
    loaded = load(folder, net=Tied)
    assert loaded.program.net.up.weight is loaded.program.net.down.weight
    for each in (loaded, load(folder)):
        assert np.allclose(each.predict(model.samples).scores, model.predict(model.samples).scores, atol=1e-6)


def test_regression_and_clustering_models_are_read_back(make, tmp_path):
    values = make(nn.Linear(5, 1), head=RescaleHead(10.0, 2.0), task=Task.REGRESSION, classes=())
    clusters = make(Encoder(TinyAutoencoder()), head=CentroidHead(torch.randn(3, 2)), task=Task.CLUSTERING, classes=())
    values_net, clusters_net = nn.Linear(5, 1), TinyAutoencoder
    for name, model, net in (("values", values, values_net), ("clusters", clusters, clusters_net)):
        folder = model.save(tmp_path / name)
        expected = model.predict(model.samples)
        for loaded in (load(folder), load(folder, net=net)):
            predictions = loaded.predict(model.samples)
            assert np.allclose(predictions.scores, expected.scores, rtol=1e-5, atol=1e-5)
            assert np.allclose(predictions.labels, expected.labels, rtol=1e-5)


def test_a_network_that_does_not_fit_is_described(mine):
    _, folder = mine
    with pytest.raises(NetworkError, match=r"hidden.weight is \(9, 5\), in the artifact \(8, 5\)"):
        load(folder, net=Mine(9))
    with pytest.raises(
        NetworkError, match=r"down.weight is missing in the artifact; .*hidden.bias is in the artifact only"
    ):
        load(folder, net=Tied)
    with pytest.raises(NetworkError, match="Mine is a class of yours") as raised:
        load(folder, module=True)
    assert "net=Mine" in raised.value.hint
    with pytest.raises(NetworkError, match="net is no network"):
        load(folder, net="Mine")
    with pytest.raises(NetworkError, match="Linear cannot be made without arguments"):
        load(folder, net=nn.Linear)


def test_a_save_that_fails_leaves_the_old_artifact(make, mine):
    model, folder = mine
    expected = model.predict(model.samples).scores

    class ExtraState(Mine):
        def get_extra_state(self):
            return {"no": "tensor"}

        def set_extra_state(self, state):
            pass

    with pytest.raises(NetworkError, match="which is no tensor"):
        make(ExtraState()).save(folder)
    assert np.allclose(load(folder).predict(model.samples).scores, expected, atol=1e-6)


def test_a_folder_that_cannot_be_written_is_refused(make, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="cannot be written"):
        make(Mine()).save(tmp_path / "file")


def test_onnxruntime_gives_nearly_equal_scores(mine):
    onnxruntime = pytest.importorskip("onnxruntime")
    model, folder = mine
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    (scores,) = session.run(["scores"], {"raw": model.samples.numpy()})
    assert np.allclose(scores, model.predict(model.samples).scores, rtol=1e-4, atol=1e-5)
