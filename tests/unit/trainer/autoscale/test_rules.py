from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.errors import OptionError
from naiad.trainer.autoscale.rules import SMALL_TABLE_DECAY, TABLE_DECAY, make_plan
from naiad.trainer.data.dataset import Task, TensorSamples
from naiad.trainer.data.features.array import fit_array_features
from naiad.trainer.machine import device as machine
from naiad.trainer.plan.plan import CHOICES


def a_net():
    return nn.Sequential(nn.Linear(5, 3))


def test_every_choice_has_a_value_and_a_reason(blobs):
    plan = make_plan(a_net(), blobs, {}, seed=7)
    rows = plan.rows()
    assert [row[0] for row in rows] == list(CHOICES)
    assert all(value and reason for _, value, reason, _ in rows)
    assert plan.seed == 7


def test_what_the_user_sets_is_kept_and_told(blobs):
    plan = make_plan(a_net(), blobs, {"epochs": 3, "batch_size": 20, "clip_norm": None, "optimizer": "sgd"}, seed=0)
    assert (plan.epochs, plan.batch_size, plan.clip_norm, plan.total_steps) == (3, 20, None, 15)
    assert dict(plan.reasons)["batch_size"].text == "set by the user"


def test_the_same_question_gives_the_same_plan_and_draws_no_random_number(blobs):
    net = nn.Sequential(nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Dropout(), nn.Linear(20, 3))
    before = torch.get_rng_state()
    plans = [make_plan(net, blobs, {}, seed=0) for _ in range(2)]
    assert plans[0] == plans[1]
    assert torch.equal(before, torch.get_rng_state())
    assert plans[0].optimizer == "muon"
    assert plans[0].memory_format == "channels_last"


def test_augmentation_is_for_images(blobs):
    with pytest.raises(OptionError, match="augment is for images"):
        make_plan(a_net(), blobs, {"augment": "flip"}, seed=0)


def a_convolutional_net():
    return nn.Sequential(nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Linear(20, 3))


def a_recurrent_net():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.head = nn.GRU(1, 8, batch_first=True), nn.Linear(8, 3)

        def forward(self, inputs):
            return self.head(self.gru(inputs.unsqueeze(2))[0][:, -1])

    return Last()


@pytest.mark.parametrize(
    ("make", "steps", "taken"),
    [
        (a_convolutional_net, 500, "muon"),
        (a_convolutional_net, 50_000, "muon"),
        (a_recurrent_net, 50_000, "muon"),
        (a_net, 500, "adamw"),
    ],
)
def test_an_optimizer_by_the_kind_of_network_and_the_length_of_the_run(blobs, make, steps, taken):
    plan = make_plan(make(), blobs, {}, seed=0, steps=steps)
    assert plan.optimizer == taken
    told = dict(plan.reasons)["optimizer"].measured
    assert told is None if taken == "adamw" else told.startswith(f"{steps:,} steps")
    assert ("muon's update multiplies" in str(told)) == (taken == "muon")


def test_matrices_that_cost_too_much_are_not_made_orthogonal(blobs):
    wide = nn.Sequential(
        nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Linear(20, 600), nn.Linear(600, 600), nn.Linear(600, 3)
    )  # fmt: skip
    assert make_plan(wide, blobs, {}, seed=0, steps=500).optimizer == "sgd"


def test_a_long_run_decays_more_and_bears_a_less_costly_muon(blobs):
    net = nn.Sequential(
        nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Linear(20, 60), nn.Linear(60, 60), nn.Linear(60, 3)
    )  # fmt: skip
    short, long = (make_plan(net, blobs, {}, seed=0, steps=steps) for steps in (500, 50_000))
    cheap = make_plan(a_convolutional_net(), blobs, {}, seed=0, steps=50_000)
    assert (short.optimizer, long.optimizer, cheap.optimizer) == ("muon", "sgd", "muon")
    assert cheap.weight_decay == 2 * short.weight_decay


def test_muons_rate_falls_with_the_length_of_the_run(blobs):
    rates = [
        make_plan(a_recurrent_net(), blobs, {}, seed=0, steps=steps).learning_rate for steps in (100, 2_000, 10**6)
    ]
    assert rates == [0.03, 0.015, 0.01]


def test_muons_rate_is_lower_in_long_runs_of_large_matrices(blobs):
    def rate(width: int, steps: int) -> float:
        net = nn.Sequential(
            nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(),
            nn.Linear(20, width), nn.Linear(width, 4), nn.Linear(4, 3),
        )  # fmt: skip
        return make_plan(net, blobs, {"optimizer": "muon"}, seed=0, steps=steps).learning_rate

    assert rate(1_024, 500) == rate(256, 500) == rate(64, 500)
    assert rate(1_024, 2_000) == pytest.approx(rate(256, 2_000) / 2) == pytest.approx(rate(64, 2_000) / 2)
    assert rate(256, 1_000) > rate(1_024, 1_000) > rate(1_024, 2_000)
    assert rate(8_000, 2_000) == rate(2_048, 2_000)


def test_a_tables_rate_falls_with_the_steps_and_the_width(blobs):
    def rate(width: int, steps: int) -> float:
        net = nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 3))
        return make_plan(net, blobs, {}, seed=0, steps=steps).learning_rate

    assert rate(64, 100) == 0.01
    assert rate(64, 10) == 0.02
    assert rate(64, 400) == rate(256, 100) == 0.005
    assert rate(64, 10**7) == 0.001


def test_a_table_of_classes_is_kept_from_being_learnt_by_heart(blobs):
    small, wide = make_plan(a_net(), blobs, {}, seed=0), make_plan(a_recurrent_net(), blobs, {}, seed=0)
    assert small.weight_decay == SMALL_TABLE_DECAY > wide.weight_decay
    assert make_plan(a_net(), blobs, {"weight_decay": 0.01}, seed=0).weight_decay == 0.01
    some = blobs.train.samples.take(torch.arange(len(blobs.train)).repeat(12))
    larger = replace(
        blobs,
        train=replace(
            blobs.train,
            samples=TensorSamples(some),
            targets=blobs.train.targets.repeat(12),
            names=blobs.train.names * 12,
        ),
    )
    assert make_plan(a_net(), larger, {}, seed=0).weight_decay == TABLE_DECAY
    continuous = replace(blobs, task=Task.REGRESSION, train=replace(blobs.train, targets=torch.randn(len(blobs.train))))
    assert make_plan(nn.Linear(5, 1), continuous, {}, seed=0).weight_decay < TABLE_DECAY


def test_a_classifier_is_calibrated_unless_the_user_says_no(blobs):
    assert make_plan(a_net(), blobs, {}, seed=0).calibrate == "on"
    assert make_plan(a_net(), blobs, {"calibrate": "off"}, seed=0).calibrate == "off"


@pytest.mark.parametrize(
    ("momentum", "epochs", "taken"),
    [(0.01, 20, 0.0667), (0.01, 2, 0.1), (0.01, 2_000, None), (0.1, 2, None), (None, 2, None)],
)
def test_statistics_of_batches_settle_within_the_run(blobs, momentum, epochs, taken):
    net = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8, momentum=momentum), nn.Linear(8, 3))
    plan = make_plan(net, blobs, {"epochs": epochs, "batch_size": 7}, seed=0)
    assert plan.batchnorm_momentum == taken, plan.total_steps


def test_depthwise_convolutions_are_not_for_bf16_on_a_cpu(blobs, monkeypatch):
    monkeypatch.setattr("naiad.trainer.machine.device.has_bf16", lambda device: True)
    layers = [nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 1), nn.Flatten(), nn.Linear(20, 3)]
    assert make_plan(nn.Sequential(*layers), blobs, {}, seed=0).precision == "bf16"
    layers[2] = nn.Conv2d(4, 4, 1, groups=4)
    assert make_plan(nn.Sequential(*layers), blobs, {}, seed=0).precision == "fp32"


def test_a_small_step_is_for_one_core(blobs, monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: 4)
    wide = nn.Sequential(nn.Linear(5, 2_000), nn.ReLU(), nn.Linear(2_000, 2_000), nn.Linear(2_000, 3))
    assert make_plan(wide, blobs, {}, seed=0).threads == 4
    small = make_plan(a_net(), blobs, {"batch_size": 64}, seed=0)
    assert small.threads == 1
    assert dict(small.reasons)["threads"].measured == "2.9e+03 multiplications a step"
    assert make_plan(a_recurrent_net(), blobs, {}, seed=0).threads == 4, "what is not counted may be much"
    assert make_plan(a_net(), blobs, {"threads": 2}, seed=0).threads == 2


def test_how_unequal_the_classes_are_is_told_and_the_user_weighs_them(blobs):
    plan = make_plan(a_net(), blobs, {}, seed=0)
    assert plan.class_balance == 0
    assert "the most frequent class" in dict(plan.reasons)["class_balance"].measured
    assert make_plan(a_net(), blobs, {"class_balance": 1}, seed=0).class_balance == 1


def test_how_samples_come_is_told_and_a_wish_that_cannot_be_met_is_refused(blobs):
    plan = make_plan(a_net(), blobs, {"feed": "memory", "feed_workers": 4}, seed=0)
    assert (plan.feed, plan.feed_workers) == ("memory", 4)
    assert make_plan(a_net(), blobs, {}, seed=0).feed_workers == 1
    with pytest.raises(OptionError, match="feed is stream"):
        make_plan(a_net(), blobs, {"feed": "stream"}, seed=0)


def test_weights_that_torch_cannot_fuse_are_updated_one_by_one(blobs):
    assert make_plan(a_net(), blobs, {}, seed=0).fused == "on"
    assert make_plan(a_net(), blobs, {"fused": "off"}, seed=0).fused == "off"
    net = a_net()
    net.register_parameter("phase", nn.Parameter(torch.zeros(2, dtype=torch.complex64)))
    assert make_plan(net, blobs, {}, seed=0).fused == "off"
    with pytest.raises(OptionError, match="no such kernel"):
        make_plan(net, blobs, {"fused": "on"}, seed=0)


def test_what_inputs_are_normalised_by_is_told(blobs):
    features = fit_array_features(blobs.train.samples, seed=0)
    plan = make_plan(a_net(), replace(blobs, features=features), {}, seed=0)
    assert plan.normalisation == "on"
    assert dict(plan.reasons)["normalisation"].measured.startswith("5 columns: mean")
    assert make_plan(a_net(), blobs, {}, seed=0).normalisation == "on"


def test_labels_are_smoothed_and_weights_averaged_only_where_the_user_says(blobs):
    plan = make_plan(a_net(), blobs, {}, seed=0)
    assert (plan.label_smoothing, plan.ema) == (0, None)
    plan = make_plan(a_net(), blobs, {"label_smoothing": 0.1, "ema": 0.99, "schedule": "cosine"}, seed=0)
    assert (plan.label_smoothing, plan.ema, plan.schedule) == (0.1, 0.99, "cosine")
