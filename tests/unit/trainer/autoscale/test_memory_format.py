"""The faster memory layout."""

from dataclasses import replace

from torch import nn

from naiad.trainer.autoscale import memory_format


def test_the_faster_layout_is_chosen(probe, scripted, make_setup, choose, plan):
    scripted_probe = scripted(lambda tried: {"contiguous": 0.003, "channels_last": 0.004}[tried.memory_format])
    net = nn.Sequential(nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Linear(20, 3))
    scripted_probe.real = replace(probe, net=net)
    after = choose(memory_format, plan(memory_format="channels_last"), make_setup(scripted_probe))
    assert after.memory_format == "contiguous"


def test_without_convolutions_nothing_is_tried(scripted, make_setup, choose, plan):
    probe = scripted(lambda _: 0.003)
    assert choose(memory_format, plan(), make_setup(probe)) == plan()
    assert probe.timed == []
