"""The threads that decode a stream."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from naiad.trainer.autoscale import feed_workers
from naiad.trainer.data.cleaning.images import LazyImages
from naiad.trainer.data.dataset import Split
from naiad.trainer.data.pixels import ImageShape
from naiad.trainer.data.sources.raw_data import ImageFiles
from naiad.trainer.machine import device


@pytest.fixture
def streaming(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(device, "usable_cores", lambda: 2)
    paths = [tmp_path / f"{index}.png" for index in range(20)]
    for index, path in enumerate(paths):
        Image.new("L", (5, 1), index * 12).save(path)
    samples = LazyImages(ImageFiles(paths), ImageShape(1, 1, 5))
    split = Split(samples, torch.arange(20) % 3, [path.name for path in paths])
    return replace(bench, split=split, features=_Flat())


class _Flat(torch.nn.Module):
    def forward(self, raw):
        return raw.flatten(1).float() / 255


def test_what_is_in_memory_is_not_measured(measuring, plan):
    measure = measuring()
    assert feed_workers.choose(plan(), measure) == plan()
    assert measure.budget.spent_s == 0


def test_one_as_many_as_cores_and_twice_as_many_are_compared(streaming, measuring, plan, monkeypatch):
    monkeypatch.setattr(feed_workers, "fastest", lambda plan, name, values, why, measuring: (name, values))
    assert feed_workers.choose(plan(feed_workers=2), measuring(streaming)) == ("feed_workers", (2, 1, 4))


def test_real_steps_of_a_stream_are_timed(streaming, measuring, plan):
    found = feed_workers.choose(plan(feed_workers=2, batch_size=5, microbatch_size=5), measuring(streaming))
    assert found.feed_workers in (1, 2, 4)
    assert [trial.value for trial in dict(found.reasons)["feed_workers"].measurements] == ["2", "1", "4"]
