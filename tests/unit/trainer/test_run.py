"""The steps of a run, one after the other, as ``fit`` takes them."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from naiad.errors import OptionError, TrainingStopped
from naiad.trainer.autoscale.choose_plan import ChosenPlan
from naiad.trainer.data.prepare import DataOptions, prepare
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.loop.task_strategy import make_task_strategy
from naiad.trainer.model import clusters
from naiad.trainer.nets import resolve_network
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.run import SAMPLES_KEPT, Run
from naiad.trainer.run_folder import open_run_folder


@pytest.fixture
def dataset():
    generator = np.random.default_rng(0)
    return prepare((generator.random((300, 4), dtype=np.float32), np.arange(300) % 3))


def make_run(dataset, folder, net=None, *, resume=False, clusters=None):
    torch.manual_seed(0)
    net = net if net is not None else nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    strategy = make_task_strategy(dataset, seed=0, clusters=clusters)
    return Run(open_run_folder(folder, resume=resume), dataset, net, strategy, SilentProgress())


def choose(run, **overrides):
    return run.choose_plan(overrides, time.perf_counter(), seed=0)


@pytest.mark.usefixtures("no_export")
def test_a_run_leaves_a_model_with_its_scores(dataset, tmp_path):
    run = make_run(dataset, tmp_path / "run")
    chosen = choose(run, epochs=2)
    trained = run.train(chosen, time.perf_counter())
    assert [record.epoch for record in trained.history] == [1, 2]
    assert trained.plan == chosen.plan
    model = run.finish(trained, NetworkSource("mlp", registered=False))
    assert len(model.samples) == SAMPLES_KEPT
    assert set(model.evaluations) == {"validation"}
    assert (tmp_path / "run" / "plan.json").exists()


def test_a_resumed_run_follows_the_plan_that_it_was_started_with(dataset, tmp_path):
    plan = choose(make_run(dataset, tmp_path / "run"), epochs=2).plan
    again = make_run(dataset, tmp_path / "run", resume=True)
    assert choose(again, learning_rate="rule").plan == plan
    with pytest.raises(OptionError, match="epochs was 2 when the run was started, given 3"):
        choose(again, epochs=3)


def test_a_time_limit_decides_how_many_steps_there_are(dataset):
    plans = [choose(make_run(dataset, None), time_limit_s=limit_s).plan for limit_s in (1.0, 20.0)]
    assert 1 <= plans[0].total_steps < plans[1].total_steps


def test_rare_classes_are_found_more_often_where_classes_are_balanced():
    random = np.random.default_rng(0)
    targets = random.choice(3, size=600, p=[0.46, 0.46, 0.08])
    inputs = (random.normal(size=(600, 4)) + 1.2 * np.eye(3, 4)[targets]).astype(np.float32)
    rare_found = {}
    for balance in (0.0, 1.0):
        run = make_run(prepare((inputs, targets)), None)
        run.train(choose(run, epochs=8, class_balance=balance), time.perf_counter())
        with torch.no_grad():
            scores = run.net(run.dataset.features(torch.from_numpy(inputs)))
        rare_found[balance] = int((scores.argmax(1).numpy() == 2)[targets == 2].sum())
    assert rare_found[1.0] > 2 * rare_found[0.0], rare_found


def test_averaged_weights_of_a_classifier_have_batchnorm_statistics_of_their_own(dataset):
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, momentum=0.01), nn.ReLU(), nn.Linear(8, 3))
    run = make_run(dataset, None, net)
    chosen = choose(run, epochs=3, ema=0.9, batchnorm_momentum=0.01)
    assert chosen.plan.is_set_by_user("ema")
    run.train(chosen, time.perf_counter())
    with torch.no_grad():
        hidden = net[0](dataset.features(dataset.train.samples.take(torch.arange(len(dataset.train)))))
    torch.testing.assert_close(net[1].running_mean, hidden.mean(dim=0), atol=0.05, rtol=0)
    torch.testing.assert_close(net[1].running_var, hidden.var(dim=0), atol=0.05, rtol=0.1)


class StopAtThree(SilentProgress):
    def update(self, step, loss, rate, samples):
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_resumed_run_has_what_is_left_of_its_time(dataset, tmp_path):
    run, started = make_run(dataset, tmp_path / "run"), time.perf_counter()
    plan = choose(run, time_limit_s=600.0, measure_fraction=0.0, epochs=4_000).plan
    run.progress = StopAtThree()
    with pytest.raises(TrainingStopped):
        run.train(ChosenPlan(replace(plan, time_limit_s=None)), started - 599)
    resumed = make_run(dataset, tmp_path / "run", resume=True)
    trained = resumed.train(ChosenPlan(plan), time.perf_counter())
    assert trained.history[-1].step < plan.total_steps
    assert trained.plan.schedule_adjustments


def test_the_time_of_clustering_is_kept_with_that_of_the_finalization(monkeypatch):
    def slow(*arguments, **options):
        late["by_s"] += 7.0
        return fit_centroids(*arguments, **options)

    late, clock, fit_centroids = {"by_s": 0.0}, time.perf_counter, clusters.fit_centroids
    monkeypatch.setattr(clusters, "fit_centroids", slow)
    monkeypatch.setattr(time, "perf_counter", lambda: clock() + late["by_s"])
    data = prepare(np.random.default_rng(0).random((300, 4), dtype=np.float32), DataOptions(task="clustering"))
    net, source = resolve_network("autoencoder", dataset=data)
    run = make_run(data, None, net, clusters=3)
    chosen = choose(run, time_limit_s=1.0, clusters=3)
    run.finish(run.train(chosen, time.perf_counter()), source)
    assert chosen.cache.finalization_s("kept in memory, without report") > 7


class Sharing(nn.Module):
    """A network that draws random numbers in eval mode too, and whose copies share its BatchNorm."""

    def __init__(self):
        super().__init__()
        self.inner, self.norm, self.outer = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)
        self.hidden = lambda inputs: self.norm(self.inner(inputs))

    def forward(self, inputs):
        return self.outer(nn.functional.dropout(self.hidden(inputs)))


def test_a_new_plan_leaves_no_trace(dataset):
    run = make_run(dataset, None, Sharing())
    before = [value.clone() for value in run.net.state_dict().values()]
    numbers = torch.get_rng_state()
    choose(run, time_limit_s=2.0)
    assert all(map(torch.equal, before, run.net.state_dict().values()))
    assert all(weight.grad is None for weight in run.net.parameters())
    assert torch.equal(torch.get_rng_state(), numbers)
