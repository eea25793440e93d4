"""Threads and precision by rule."""

from torch import nn

from naiad.trainer.autoscale.rules.make_plan import make_plan
from naiad.trainer.machine import device as machine


def test_depthwise_convolutions_run_in_fp32_on_a_cpu(blobs, monkeypatch):
    monkeypatch.setattr("naiad.trainer.machine.device.has_bf16", lambda device: True)
    layers = [nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 1), nn.Flatten(), nn.Linear(20, 3)]
    assert make_plan(nn.Sequential(*layers), blobs, {}, seed=0).precision == "bf16"
    layers[2] = nn.Conv2d(4, 4, 1, groups=4)
    assert make_plan(nn.Sequential(*layers), blobs, {}, seed=0).precision == "fp32"


def test_a_small_step_runs_on_one_thread(nets, blobs, monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: 4)
    wide = nn.Sequential(nn.Linear(5, 2_000), nn.ReLU(), nn.Linear(2_000, 2_000), nn.Linear(2_000, 3))
    assert make_plan(wide, blobs, {}, seed=0).threads == 4
    small = make_plan(nets.linear(), blobs, {"batch_size": 64}, seed=0)
    assert small.threads == 1
    assert dict(small.reasons)["threads"].measured == "2.9e+03 multiplications a step"
    assert make_plan(nets.recurrent(), blobs, {}, seed=0).threads == 4, "what is not counted may be much"
    assert make_plan(nets.linear(), blobs, {"threads": 2}, seed=0).threads == 2
