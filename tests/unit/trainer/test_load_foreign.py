"""Artifacts from elsewhere: they run without their code, and with it only where the caller trusts them."""

import io
import json
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import naiad
from naiad.errors import ArtifactError, NetworkError, OptionError
from naiad.trainer.artifact import folder as artifact_folder
from naiad.trainer.loop.progress import SilentProgress

X = np.random.default_rng(0).random((60, 3)).astype(np.float32)
Y = np.where(X[:, 0] > 0.5, "big", "small")


class Mine(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.out = torch.nn.Linear(3, 2)

    def forward(self, inputs):
        return self.out(inputs)


class Runs:
    """Runs a command in whoever unpickles it."""

    def __init__(self, mark):
        self._mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self._mark}",)


def _save(net, path):
    return naiad.fit(net, (X, Y), epochs=1, report=False, progress=SilentProgress()).save(path)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return _save("mlp", tmp_path_factory.mktemp("own") / "run")


@pytest.fixture(scope="module")
def own_class(tmp_path_factory):
    return _save(Mine, tmp_path_factory.mktemp("own-class") / "run")


def _poison(program, mark):
    """Returns a program.pt2 whose example inputs are a pickle that runs a command."""
    out, pickled = io.BytesIO(), io.BytesIO()
    torch.save((Runs(mark), {}), pickled)
    with zipfile.ZipFile(io.BytesIO(program)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, pickled.getvalue() if "sample_inputs" in name else old.read(name))
    return out.getvalue()


def _forge(source, target, *, mark, without=(), **changes):
    """Writes an artifact as an attacker does, with right hashes: its code marks ``mark`` when it runs."""
    opened = artifact_folder.open_artifact_folder(source)
    with artifact_folder.replace_artifact(target) as partial:
        artifact_folder.copy_files(opened, partial)
        for name in ("program.pt2", "features.pt2", "head.pt2"):
            (partial / name).write_bytes(_poison((partial / name).read_bytes(), mark))
        (partial / "network.py").write_text(f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n")
        for name in without:
            (partial / name).unlink()
        artifact_folder.commit(target, {**opened.values, **changes})
    return target


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "code-has-run"


@pytest.fixture
def forge(tmp_path, mark):
    return lambda source, **options: _forge(source, tmp_path / "forged", mark=mark, **options)


def test_the_attack_works_where_the_artifact_is_trusted(own, forge, mark):
    """The other tests show nothing if the code would not run at all."""
    naiad.load(forge(own), trust=True)
    assert mark.exists()


def _scores(model):
    return model.predict(X[:5]).scores


@pytest.mark.parametrize("options", [{}, {"module": True}])
@pytest.mark.parametrize("without", [(), ("model.onnx",), ("features.pt2", "head.pt2")])
def test_a_registered_network_runs_without_the_code(own, forge, mark, options, without):
    model = naiad.load(forge(own, without=without), **options)
    np.testing.assert_allclose(_scores(model), _scores(naiad.load(own)), rtol=1e-4, atol=1e-5)
    assert not mark.exists()


def test_a_class_of_the_callers_runs_without_the_code(own_class, forge, mark):
    forged = forge(own_class)
    for options in ({}, {"net": Mine}):
        model = naiad.load(forged, **options)
        np.testing.assert_allclose(_scores(model), _scores(naiad.load(own_class)), rtol=1e-4, atol=1e-5)
    with pytest.raises(NetworkError, match="Mine is a class of yours"):
        naiad.load(forged, module=True)
    assert not mark.exists()


def test_where_only_the_code_is_left_it_needs_trust(own_class, forge, mark):
    forged = forge(own_class, without=("model.onnx",))
    with pytest.raises(
        ArtifactError, match=r"was not written by Naiad on this machine, and its program\.pt2 is code"
    ) as caught:
        naiad.load(forged)
    assert "net=Mine" in caught.value.hint
    assert "trust=True" in caught.value.hint
    assert not mark.exists()


def test_without_onnxruntime_the_registry_builds_the_network(own, own_class, forge, mark, monkeypatch):
    monkeypatch.setattr("naiad.trainer.load.is_onnxruntime_installed", lambda: False)
    np.testing.assert_allclose(_scores(naiad.load(forge(own))), _scores(naiad.load(own)), rtol=1e-4, atol=1e-5)
    with pytest.raises(ArtifactError, match="is code") as caught:
        naiad.load(forge(own_class))
    assert "install onnxruntime" in caught.value.hint
    assert not mark.exists()


def test_ones_own_files_load_by_their_program(own, own_class, tmp_path):
    for source in (own, own_class):
        model = naiad.load(source)
        assert type(model.program).__name__ == "ExportedModule"
        copied = naiad.load(Path(shutil.copytree(source, tmp_path / source.parent.name)))
        saved = naiad.load(copied.save(tmp_path / f"{source.parent.name}-again"))
        assert type(saved.program).__name__ == "ExportedModule"


def test_a_copy_of_a_foreign_artifact_stays_foreign(own, forge, tmp_path):
    copy = naiad.load(forge(own)).save(tmp_path / "copy")
    assert type(naiad.load(copy).program).__name__ == "OnnxProgram"


def test_an_artifact_with_the_signature_of_another_is_foreign(own, forge, mark):
    signature = artifact_folder.open_artifact_folder(own).values["signature"]
    forged = forge(own)
    record = json.loads((forged / "naiad.json").read_text())
    record.pop("sha256")
    (forged / "naiad.json").write_bytes(artifact_folder.checksums.dumps_with_sha256({**record, "signature": signature}))
    naiad.load(forged)
    assert not mark.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        {"input_shape": [3], "outputs": 10**12},
        {"input_shape": [10**12], "outputs": 2},
        {"input_shape": [3], "outputs": 2, "options": {"hidden": [10**9, 10**9]}},
    ],
)
def test_a_description_cannot_ask_for_more_memory_than_the_weights_have(own, forge, arguments):
    network = {"name": "mlp", "registered": True, "arguments": arguments}
    forged = forge(own, without=("model.onnx",), network=network)
    with pytest.raises(NetworkError, match="mlp does not fit the artifact's weights"):
        naiad.load(forged)


def test_a_graph_that_reads_other_files_is_refused(own, forge):
    forged = forge(own)
    model = onnx.load(forged / "model.onnx")
    opened = artifact_folder.open_artifact_folder(forged)
    with artifact_folder.replace_artifact(forged) as partial:
        artifact_folder.copy_files(opened, partial)
        onnx.save(model, partial / "model.onnx", save_as_external_data=True, size_threshold=0, location="weights")
        artifact_folder.commit(forged, opened.values)
    with pytest.raises(ArtifactError, match="keeps weights in other files"):
        naiad.load(forged)


def test_trust_is_a_truth_value(own):
    with pytest.raises(OptionError, match="trust is True or False, given 'yes'"):
        naiad.load(own, trust="yes")


AUDIT = """
    import json
    import pickle
    import sys

    import numpy as np
    import naiad

    own, forged, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    X = np.zeros((2, 3), np.float32)
    if sys.argv[4] == "no-onnxruntime":
        import naiad.trainer.load
        naiad.trainer.load.is_onnxruntime_installed = lambda: False
    naiad.load(own, **options).predict(X)  # what is imported on the way is imported now

    events, is_watching = [], True

    def watch(event, arguments):
        if not is_watching:
            return
        if event in ("compile", "exec", "pickle.find_class", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"):
            events.append((event, repr(arguments)[:200]))
        elif event == "open":
            path, mode, flags = arguments
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & 3:
                events.append((event, repr(arguments)[:200]))

    sys.addaudithook(watch)
    naiad.load(forged, **options).predict(X)
    is_watching = False
    print(json.dumps(events))
"""


@pytest.mark.parametrize(
    ("options", "runtime"), [({}, "onnxruntime"), ({}, "no-onnxruntime"), ({"module": True}, "onnxruntime")]
)
def test_an_audit_hook_sees_no_code_no_pickle_and_no_file_written(own, forge, mark, options, runtime):
    forged = forge(own)
    _forge(own, Path(f"{forged}-harmless"), mark=mark)  # loading it once imports what loading needs
    command = [sys.executable, "-B", "-c", textwrap.dedent(AUDIT)]
    arguments = [f"{forged}-harmless", str(forged), json.dumps(options), runtime]
    done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
    assert not mark.exists()
