"""``fit``, from data to a model: the options that it keeps, and the files that it writes."""

import json
import os
import signal

import numpy as np
import pytest
import torch
from digits_runs import digit_splits, same, train
from PIL import Image
from sklearn.datasets import load_diabetes
from torch import nn

import naiad
from naiad.errors import DataError, NetworkError, OptionError, TrainingStopped
from naiad.trainer.loop.progress import SilentProgress


@pytest.fixture(scope="module")
def digits():
    return digit_splits()


def test_the_same_seed_gives_the_same_bits(digits):
    assert same(train(digits, seed=1), train(digits, seed=1))
    assert not same(train(digits, seed=1), train(digits, seed=2))


def test_the_callers_random_numbers_and_threads_are_restored(digits):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    train(digits, plan={"threads": 1})
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_a_module_is_trained_in_place(digits):
    net = nn.Linear(64, 10)
    before = net.weight.clone()
    model = train(digits, net)
    assert not torch.equal(net.weight, before)
    assert model.program.net is net
    assert not net.training


def test_choices_of_the_user_are_kept(digits):
    model = train(digits, plan={"batch_size": 50, "optimizer": "adamw"}, epochs=3)
    assert (model.plan.batch_size, model.plan.optimizer, model.plan.epochs) == (50, "adamw", 3)
    assert dict(model.plan.reasons)["batch_size"].text == "set by the user"
    assert len(model.history) == 3


def test_the_test_split_has_no_effect_on_the_weights(digits):
    other = {**digits, "test": (digits["test"][0][::-1].copy(), digits["test"][1][:])}
    assert same(train(digits), train(other))


def test_a_validation_set_may_be_given(digits):
    train_X, train_y = digits["train"]
    model = train((train_X, train_y), validation=digits["test"])
    assert model.evaluations["validation"]["samples"] == 200
    assert "test" not in model.evaluations


def test_a_folder_holds_the_whole_run(digits, tmp_path):
    model = train(digits, out=tmp_path / "run", report=True)
    names = {path.name for path in model.path.iterdir()}
    assert {"naiad.json", "model.safetensors", "program.pt2", "model.onnx", "report.html", "metrics.jsonl"} <= names
    assert {"checkpoints", "events", "run.json", "samples.safetensors"} <= names
    lines = [json.loads(line) for line in (model.path / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    loaded = naiad.load(model.path)
    X = digits["test"][0]
    np.testing.assert_allclose(loaded.predict(X).scores, model.predict(X).scores, atol=1e-5)


def test_without_a_folder_nothing_is_written(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(digits)
    assert not list(tmp_path.iterdir())


class StoppingProgress(SilentProgress):
    """Sends SIGTERM to this process at a step, as a scheduler would."""

    def __init__(self, step):
        self.at = step
        self.notes = []

    def update(self, step, loss, rate, samples):
        if step == self.at:
            os.kill(os.getpid(), signal.SIGTERM)

    def note(self, text):
        self.notes.append(text)


@pytest.mark.usefixtures("no_export")
def test_stopped_and_resumed_is_the_same_run(digits, tmp_path):
    whole = train(digits, out=tmp_path / "whole")
    with pytest.raises(TrainingStopped, match=r"stopped by SIGTERM at step 13 of"):
        train(digits, out=tmp_path / "run", progress=StoppingProgress(13))
    notes = StoppingProgress(0)
    resumed = train(digits, out=tmp_path / "run", resume=True, progress=notes)
    assert notes.notes[0] == "going on from the checkpoint at step 13"
    assert all(note.startswith("the artifact has no ") for note in notes.notes[1:])
    assert same(whole, resumed)
    assert [epoch.validation for epoch in resumed.history] == [epoch.validation for epoch in whole.history]
    assert (tmp_path / "run" / "metrics.jsonl").read_text().count("\n") == 2


@pytest.mark.usefixtures("no_export")
def test_a_finished_run_may_be_resumed(digits, tmp_path):
    first = train(digits, out=tmp_path / "run")
    assert same(first, train(digits, out=tmp_path / "run", resume=True))


@pytest.mark.usefixtures("no_export")
def test_resume_and_replay_keep_a_streamed_feed(tmp_path):
    draw = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for index in range(20):
            pixels = draw.integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / label / f"{index}.png")
    streamed = train(tmp_path / "data", plan={"feed": "stream"}, out=tmp_path / "run")
    assert streamed.plan.feed == "stream"
    assert same(streamed, train(tmp_path / "data", out=tmp_path / "run", resume=True))
    replayed = train(tmp_path / "data", plan=tmp_path / "run", epochs=None)
    assert same(streamed, replayed)
    assert same(streamed, train(tmp_path / "data")), "streaming changes no weight"


class Jittered(torch.utils.data.Dataset):
    """A dataset whose items are random, from the generator that dropout uses too."""

    def __init__(self, data):
        self.X, self.y = data

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return torch.from_numpy(self.X[index]) + torch.randn(64), int(self.y[index])


@pytest.mark.usefixtures("no_export")
def test_random_items_and_dropout_give_the_same_bits_after_a_stop(digits, tmp_path):
    data = {"train": Jittered(digits["train"]), "validation": Jittered(digits["test"])}

    def run(**options):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 10))
        return train(data, net, seed=1, **options)

    whole = run()
    assert same(whole, run())
    with pytest.raises(TrainingStopped):
        run(out=tmp_path / "run", progress=StoppingProgress(13))
    assert same(whole, run(out=tmp_path / "run", resume=True))


@pytest.mark.usefixtures("no_export")
def test_resume_and_replay_keep_inputs_that_are_not_normalised(tmp_path):
    class Words(nn.Module):
        """Takes numbers of words as floats, and gives three classes."""

        def __init__(self):
            super().__init__()
            self.words, self.head = nn.Embedding(20, 8), nn.Linear(8, 3)

        def forward(self, inputs):
            return self.head(self.words(inputs.long()).mean(dim=1))

    draw = np.random.default_rng(0)
    tokens, labels = draw.integers(0, 20, (200, 5)), draw.integers(0, 3, 200)
    torch.manual_seed(0)
    start = Words().state_dict()

    def trained(**options):
        net = Words()
        net.load_state_dict(start)
        return train((tokens, labels), net, **options)

    plain = trained(plan={"normalisation": "off"}, out=tmp_path / "run")
    assert plain.plan.normalisation == "off"
    inputs = torch.from_numpy(tokens).float()
    assert torch.equal(plain.program.features(inputs), inputs)
    assert same(plain, trained(out=tmp_path / "run", resume=True))
    assert same(plain, trained(plan=tmp_path / "run", epochs=None))


def test_an_option_that_changes_a_followed_plan_is_refused(digits):
    plan = train(digits).plan
    with pytest.raises(OptionError, match="the plan says epochs 2, given 3"):
        train(digits, epochs=3, plan=plan)


def test_a_regression_predicts_in_the_units_of_the_data():
    X, y = load_diabetes(return_X_y=True)
    model = train((X, y), None, epochs=20)
    predicted = model.predict(X)
    assert predicted.labels.shape == (442,)
    assert 100 < predicted.labels.mean() < 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"net": "simplnet"}, NetworkError),
        ({"net": nn.Linear(64, 3)}, NetworkError),
        ({"net": nn.Linear(12, 10)}, NetworkError),
        ({"net": nn.Linear(64, 10).requires_grad_(False)}, NetworkError),
        ({"net": nn.Sequential(nn.Linear(64, 10), nn.BatchNorm1d(10)), "plan": {"batch_size": 1}}, OptionError),
        ({"plan": {"batchsize": 3}}, OptionError),
        ({"data": "fashion-mnst"}, DataError),
        ({"epochs": 0}, OptionError),
        ({"seed": -1}, OptionError),
        ({"seed": 0.5}, OptionError),
        ({"task": "detection"}, OptionError),
    ],
)
def test_an_input_error_leaves_no_files(digits, tmp_path, change, error):
    options = {"data": digits, "out": tmp_path / "run", **change}
    with pytest.raises(error):
        train(**options)
    assert not list(tmp_path.iterdir())
