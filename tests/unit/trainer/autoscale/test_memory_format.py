"""The faster memory layout."""

from torch import nn

from naiad.trainer.autoscale import memory_format
from naiad.trainer.autoscale.bench import Bench


def test_the_faster_of_the_two(blobs, bench, scripted, measuring, plan):
    of = scripted(lambda tried: {"contiguous": 0.003, "channels_last": 0.004}[tried.memory_format])
    net = nn.Sequential(nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Linear(20, 3))
    of.real = Bench(net, blobs.features, bench.loss, blobs.train)
    assert memory_format.choose(plan(memory_format="channels_last"), measuring(of)).memory_format == "contiguous"


def test_without_convolutions_nothing_is_tried(scripted, measuring, plan):
    of = scripted(lambda _: 0.003)
    assert memory_format.choose(plan(), measuring(of)) == plan()
    assert of.timed == []
