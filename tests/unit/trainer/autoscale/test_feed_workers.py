"""The threads that decode a stream."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from naiad.trainer.autoscale import feed_workers
from naiad.trainer.autoscale.measurement_setup import TimedPlan
from naiad.trainer.data.cleaning.images import LazyImages
from naiad.trainer.data.dataset import Split
from naiad.trainer.data.pixels import ImageShape
from naiad.trainer.data.sources.raw_data import ImageFiles
from naiad.trainer.machine import device


@pytest.fixture
def streaming(probe, tmp_path, monkeypatch):
    monkeypatch.setattr(device, "usable_cores", lambda: 2)
    paths = [tmp_path / f"{index}.png" for index in range(20)]
    for index, path in enumerate(paths):
        Image.new("L", (5, 1), index * 12).save(path)
    samples = LazyImages(ImageFiles(paths), ImageShape(1, 1, 5))
    split = Split(samples, torch.arange(20) % 3, [path.name for path in paths])
    return replace(probe, split=split, features=_Flat())


class _Flat(torch.nn.Module):
    def forward(self, raw):
        return raw.flatten(1).float() / 255


def test_samples_in_memory_are_not_measured(make_setup, choose, plan):
    setup = make_setup()
    assert choose(feed_workers, plan(), setup) == plan()
    assert setup.budget.spent_s == 0


def test_one_as_many_as_cores_and_twice_as_many_are_compared(streaming, make_setup, plan, monkeypatch):
    monkeypatch.setattr(feed_workers, "choose_fastest", lambda timed, name, values, why, setup: (name, values))
    compared = feed_workers.choose(TimedPlan(plan(feed_workers=2), 0.001), make_setup(streaming))
    assert compared == ("feed_workers", (2, 1, 4))


def test_real_steps_of_a_stream_are_timed(streaming, make_setup, choose, plan):
    after = choose(feed_workers, plan(feed_workers=2, batch_size=5, microbatch_size=5), make_setup(streaming))
    assert after.feed_workers in (1, 2, 4)
    assert [one.value for one in after.reason("feed_workers").measurements] == ["2", "1", "4"]
