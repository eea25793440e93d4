"""The steps of a run, one after the other, as ``fit`` takes them."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from naiad.errors import OptionError, Stopped
from naiad.trainer.data.prepare import prepare
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.loop.task_strategy import make_task_strategy
from naiad.trainer.model import clusters
from naiad.trainer.nets import resolve_network
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.plan.reason import SET_BY_USER
from naiad.trainer.run import SAMPLES_KEPT, Run
from naiad.trainer.run_folder import open_run_folder


@pytest.fixture
def dataset():
    generator = np.random.default_rng(0)
    return prepare((generator.random((300, 4), dtype=np.float32), np.arange(300) % 3), seed=0)


def a_run(dataset, folder, *, resume=False):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    return Run(open_run_folder(folder, resume=resume), dataset, net, make_task_strategy(dataset, seed=0), SilentProgress())


def test_a_run_leaves_a_model_and_says_what_it_reached(dataset, tmp_path):
    run = a_run(dataset, tmp_path / "run")
    plan = run.settle_plan({"epochs": 2}, time.perf_counter(), seed=0)
    history, walked = run.train(plan, time.perf_counter())
    assert [record.epoch for record in history] == [1, 2]
    assert walked == plan
    model = run.model(plan, history, NetworkSource("mlp", registered=False))
    assert len(model.samples) == SAMPLES_KEPT
    run.finish(model)
    assert set(model.evaluations) == {"validation"}
    assert (tmp_path / "run" / "plan.json").exists()


def test_a_resumed_run_follows_the_plan_that_it_was_started_with(dataset, tmp_path):
    plan = a_run(dataset, tmp_path / "run").settle_plan({"epochs": 2}, time.perf_counter(), seed=0)
    again = a_run(dataset, tmp_path / "run", resume=True)
    assert again.settle_plan({"learning_rate": "rule"}, time.perf_counter(), seed=0) == plan
    with pytest.raises(OptionError, match="epochs was 2 when the run was started, given 3"):
        again.settle_plan({"epochs": 3}, time.perf_counter(), seed=0)


def test_a_time_limit_decides_how_many_steps_there_are(dataset):
    plans = [
        a_run(dataset, None).settle_plan({"time_limit_s": limit}, time.perf_counter(), seed=0) for limit in (1.0, 20.0)
    ]
    assert 1 <= plans[0].total_steps < plans[1].total_steps


def test_rare_classes_are_found_more_often_where_classes_count_alike():
    random = np.random.default_rng(0)
    targets = random.choice(3, size=600, p=[0.46, 0.46, 0.08])
    inputs = (random.normal(size=(600, 4)) + 1.2 * np.eye(3, 4)[targets]).astype(np.float32)
    found = {}
    for strength in (0.0, 1.0):
        run = a_run(prepare((inputs, targets), seed=0), None)
        plan = run.settle_plan({"epochs": 8, "class_balance": strength}, time.perf_counter(), seed=0)
        run.train(plan, time.perf_counter())
        with torch.no_grad():
            scores = run.net(run.dataset.features(torch.from_numpy(inputs)))
        found[strength] = int((scores.argmax(1).numpy() == 2)[targets == 2].sum())
    assert found[1.0] > 2 * found[0.0], found


def test_averaged_weights_of_a_classifier_have_batchnorm_statistics_of_their_own(dataset):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, momentum=0.01), nn.ReLU(), nn.Linear(8, 3))
    run = Run(open_run_folder(None, resume=False), dataset, net, make_task_strategy(dataset, seed=0), SilentProgress())
    wishes = {"epochs": 3, "ema": 0.9, "batchnorm_momentum": 0.01}
    plan = run.settle_plan(wishes, time.perf_counter(), seed=0)
    assert dict(plan.reasons)["ema"] == SET_BY_USER
    run.train(plan, time.perf_counter())
    with torch.no_grad():
        hidden = net[0](dataset.features(dataset.train.samples.take(torch.arange(len(dataset.train)))))
    torch.testing.assert_close(net[1].running_mean, hidden.mean(dim=0), atol=0.05, rtol=0)
    torch.testing.assert_close(net[1].running_var, hidden.var(dim=0), atol=0.05, rtol=0.1)


class StopAtThree(SilentProgress):
    def stepped(self, step, loss, rate, samples):
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_resumed_run_has_what_is_left_of_its_time(dataset, tmp_path):
    run, begun = a_run(dataset, tmp_path / "run"), time.perf_counter()
    plan = run.settle_plan({"time_limit_s": 600.0, "measure_fraction": 0.0, "epochs": 4_000}, begun, seed=0)
    run.progress = StopAtThree()
    with pytest.raises(Stopped):
        run.train(replace(plan, time_limit_s=None), begun - 599)
    history, walked = a_run(dataset, tmp_path / "run", resume=True).train(plan, time.perf_counter())
    assert history[-1].step < plan.total_steps
    assert walked.schedule_adjustments


def test_the_time_of_clustering_is_remembered_with_that_of_the_ending(monkeypatch):
    def slow(*given, **options):
        late["by_s"] += 7.0
        return nearest_centre(*given, **options)

    late, clock, nearest_centre = {"by_s": 0.0}, time.perf_counter, clusters.fit_centroids
    monkeypatch.setattr(clusters, "nearest_centre", slow)
    monkeypatch.setattr(time, "perf_counter", lambda: clock() + late["by_s"])
    data = prepare(np.random.default_rng(0).random((300, 4), dtype=np.float32), task="clustering", seed=0)
    net, source = resolve_network("autoencoder", dataset=data)
    run = Run(open_run_folder(None, resume=False), data, net, make_task_strategy(data, seed=0, clusters=3), SilentProgress())
    begun = time.perf_counter()
    history, walked = run.train(run.settle_plan({"time_limit_s": 1.0, "clusters": 3}, begun, seed=0), begun)
    run.finish(run.model(walked, history, source))
    assert run._remembered.finishing_s("kept in memory, without report") > 7


class Sharing(nn.Module):
    """Draws random numbers in eval, too, and has copies that share its BatchNorm."""

    def __init__(self):
        super().__init__()
        self.inner, self.norm, self.outer = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)
        self.hidden = lambda inputs: self.norm(self.inner(inputs))

    def forward(self, inputs):
        return self.outer(nn.functional.dropout(self.hidden(inputs)))


def test_a_new_plan_leaves_no_trace(dataset):
    run = a_run(dataset, None)
    run.net = Sharing()
    before = [value.clone() for value in run.net.state_dict().values()]
    numbers = torch.get_rng_state()
    run.settle_plan({"time_limit_s": 2.0}, time.perf_counter(), seed=0)
    assert all(map(torch.equal, before, run.net.state_dict().values()))
    assert all(weight.grad is None for weight in run.net.parameters())
    assert torch.equal(torch.get_rng_state(), numbers)
