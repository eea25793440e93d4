"""The call, from data to a model: what it keeps, what it chooses, what it leaves on disk."""

import json
import os
import signal
import time

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

import naiad
from naiad.errors import DataError, NetworkError, OptionError, Stopped
from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return {"train": (X[:600].astype(np.float32), y[:600]), "test": (X[600:800].astype(np.float32), y[600:800])}


def train(data, net="mlp", **options):
    return fit(net, data, **{"epochs": 2, "report": False, "progress": SilentProgress(), **options})


def same(one, other):
    weights = (model.program.state_dict() for model in (one, other))
    return all(torch.equal(a, b) for a, b in zip(*(state.values() for state in weights), strict=True))


def test_the_same_seed_gives_the_same_bits(digits):
    assert same(train(digits, seed=1), train(digits, seed=1))
    assert not same(train(digits, seed=1), train(digits, seed=2))


def test_the_callers_randomness_and_threads_are_left_alone(digits):
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


def test_what_the_user_sets_is_kept(digits):
    model = train(digits, plan={"batch_size": 50, "optimizer": "adamw"}, epochs=3)
    assert (model.plan.batch_size, model.plan.optimizer, model.plan.epochs) == (50, "adamw", 3)
    assert dict(model.plan.reasons)["batch_size"].text == "set by the user"
    assert len(model.history) == 3


def test_the_test_split_chooses_nothing(digits):
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


class StopAt(SilentProgress):
    """Sends SIGTERM to this process at a step, as a scheduler would."""

    def __init__(self, step):
        self.at = step
        self.notes = []

    def stepped(self, step, loss, rate, samples):
        if step == self.at:
            os.kill(os.getpid(), signal.SIGTERM)

    def note(self, text):
        self.notes.append(text)


def test_stopped_and_resumed_is_the_same_run(digits, tmp_path):
    whole = train(digits, out=tmp_path / "whole")
    with pytest.raises(Stopped, match=r"stopped by SIGTERM at step 13 of"):
        train(digits, out=tmp_path / "run", progress=StopAt(13))
    notes = StopAt(0)
    resumed = train(digits, out=tmp_path / "run", resume=True, progress=notes)
    assert notes.notes == ["going on from the checkpoint at step 13"]
    assert same(whole, resumed)
    assert resumed.history == whole.history or [r.validation for r in resumed.history] == [
        r.validation for r in whole.history
    ]
    assert (tmp_path / "run" / "metrics.jsonl").read_text().count("\n") == 2


def test_a_finished_run_may_be_resumed(digits, tmp_path):
    first = train(digits, out=tmp_path / "run")
    assert same(first, train(digits, out=tmp_path / "run", resume=True))


def test_a_stream_that_is_wished_for_is_kept_by_resume_and_replay(tmp_path):
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
    assert same(streamed, train(tmp_path / "data")), "how the samples come changes no weight"


class Jittered(torch.utils.data.Dataset):
    """Every item is drawn anew, from the generator that dropout draws from."""

    def __init__(self, data):
        self.X, self.y = data

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return torch.from_numpy(self.X[index]) + torch.randn(64), int(self.y[index])


def test_items_that_draw_and_dropout_give_the_same_bits_stopped_or_not(digits, tmp_path):
    data = {"train": Jittered(digits["train"]), "validation": Jittered(digits["test"])}

    def run(**options):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 10))
        return train(data, net, seed=1, **options)

    whole = run()
    assert same(whole, run())
    with pytest.raises(Stopped):
        run(out=tmp_path / "run", progress=StopAt(13))
    assert same(whole, run(out=tmp_path / "run", resume=True))


def test_inputs_that_are_not_to_be_normalised_come_as_they_are_and_are_resumed_and_replayed_so(tmp_path):
    class Words(nn.Module):
        """Float numbers of words in, three classes out."""

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


@pytest.fixture(scope="module")
def many():
    """Two hundred batches of 64: long enough to be measured."""
    generator = np.random.default_rng(0)
    labels = np.arange(12_800) % 4
    inputs = generator.normal(size=(12_800, 1, 8, 8)) * 40 + 100
    inputs[np.arange(12_800), 0, labels * 2] += 60
    split = (inputs.clip(0, 255).astype(np.uint8), labels)
    return {"train": split, "validation": (split[0][:256], split[1][:256])}


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(144, 32), nn.Linear(32, 4)
    )  # fmt: skip


def test_weights_are_the_same_bits_whether_choices_were_measured_or_given(many):
    measured = train(many, small_net(), epochs=8, seed=3, plan={"measure_fraction": 0.5})
    reasons = dict(measured.plan.reasons)
    assert any(reason.tried for reason in reasons.values()), "a run of this length is measured"
    settable = (
        "batch_size",
        "learning_rate",
        "precision",
        "memory_format",
        "threads",
        "optimizer",
        "augment",
        "compile",
    )
    given = {name: getattr(measured.plan, name) for name in settable}
    assert same(measured, train(many, small_net(), epochs=8, seed=3, plan={**given, "measure_fraction": 0}))


def test_a_time_limit_is_kept(many):
    begun = time.perf_counter()
    model = train(many, small_net(), epochs=None, time_limit_s=6)
    assert time.perf_counter() - begun == pytest.approx(6, abs=0.6)
    last = model.history[-1]
    assert last.learning_rate < 0.1 * model.plan.learning_rate, "the schedule came to its end, too"


def test_a_choice_is_made_by_rule_when_the_user_says_so(many):
    names = ("batch_size", "learning_rate", "threads")
    plan = train(many, small_net(), epochs=8, plan={"measure_fraction": 0.5, **dict.fromkeys(names, "rule")}).plan
    reasons = dict(plan.reasons)
    assert not any(reasons[name].tried or reasons[name].text == "set by the user" for name in names)
    assert reasons["memory_format"].tried


def test_a_plan_is_replayed_bit_for_bit_without_a_clock(many, tmp_path):
    first = train(many, small_net(), epochs=None, time_limit_s=5, seed=5, out=tmp_path / "run")
    again = train(many, small_net(), epochs=None, plan=tmp_path / "run")
    assert same(first, again)
    assert again.plan.seed == 5
    assert again.history[-1].step == first.history[-1].step
    assert same(first, train(many, small_net(), epochs=None, plan=first.plan))


def test_nothing_is_added_to_a_plan_that_is_followed(digits):
    plan = train(digits).plan
    with pytest.raises(OptionError, match="the plan says epochs 2, given 3"):
        train(digits, epochs=3, plan=plan)


def test_a_time_limit_shortens_the_run(digits):
    model = train(digits, epochs=None, time_limit_s=3)
    assert model.plan.time_limit_s == 3
    assert dict(model.plan.reasons)["total_steps"].measured.endswith("ms a step")
    assert model.history


def test_a_regression_in_the_users_units():
    X, y = load_diabetes(return_X_y=True)
    model = train((X, y), None, epochs=20)
    predicted = model.predict(X)
    assert predicted.labels.shape == (442,)
    assert 100 < predicted.labels.mean() < 200


def test_clusters_with_labels_only_to_score(digits):
    model = train(digits, None, task="clustering", plan={"clusters": 10})
    assert 0 < model.evaluations["test"]["metrics"]["nmi"] <= 1
    assert model.predict(digits["test"][0]).scores.shape == (200, 10)


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
def test_unusable_input_leaves_no_trace(digits, tmp_path, change, error):
    options = {"data": digits, "out": tmp_path / "run", **change}
    with pytest.raises(error):
        train(**options)
    assert not list(tmp_path.iterdir())
