"""The cache of measurements for the next run."""

import pytest
from torch import nn

from naiad.trainer.artifact import checksums
from naiad.trainer.autoscale.choose_plan import CACHED_CHOICES
from naiad.trainer.autoscale.measurement_cache import CachedPlan, MeasurementCache, cache_folder
from naiad.trainer.plan.reason import Measurement, Reason

NAMES = ("threads", "augment", "compile")


@pytest.fixture
def cache(tmp_path):
    return MeasurementCache(tmp_path / "one.json")


def test_each_run_has_its_file(blobs, tmp_path):
    first = MeasurementCache.for_run(nn.Linear(5, 3), blobs, {"epochs": 3}, folder=tmp_path)
    assert first == MeasurementCache.for_run(nn.Linear(5, 3), blobs, {"epochs": 3}, folder=tmp_path)
    assert first != MeasurementCache.for_run(nn.Linear(5, 3), blobs, {"epochs": 4}, folder=tmp_path)

    assert first.path.parent == tmp_path


def test_each_condition_has_measurements_of_its_own(tmp_path, blobs):
    net, overrides = nn.Linear(5, 3), {"epochs": 3}
    conditions = ({}, {"processes": 2}, {"is_contended": True}, {"processes": 2, "is_contended": True})
    caches = [MeasurementCache.for_run(net, blobs, overrides, folder=tmp_path, **condition) for condition in conditions]
    assert len({cache.path for cache in caches}) == len(conditions)
    assert caches[0] == MeasurementCache.for_run(
        net, blobs, overrides, folder=tmp_path, processes=1, is_contended=False
    )


def test_choices_come_back_with_their_reasons(tmp_path, plan):
    reason = Reason("faster", "3 ms", (Measurement("1", "3 ms"), Measurement("2", "4 ms")))
    measured = plan().with_choice("threads", 7, reason).with_choice("augment", ("flip",), Reason("kept"))
    cache = MeasurementCache(tmp_path / "deep" / "one.json")
    cache.store_choices(measured, NAMES)
    cached = cache.lookup(plan(), NAMES)
    assert (cached.plan.threads, cached.plan.augment) == (7, ("flip",))
    assert cached.plan.reason("threads") == Reason("from an earlier run: faster", "3 ms", reason.measurements)
    assert cached.names == cached.answered == {"threads", "augment"}


def test_every_choice_that_is_stored_is_read(cache, plan):
    measured = plan()
    for name in CACHED_CHOICES:
        measured = measured.with_choice(name, getattr(measured, name), Reason("measured"))
    cache.store_choices(measured, CACHED_CHOICES)
    assert cache.lookup(plan(), CACHED_CHOICES).names == frozenset(CACHED_CHOICES)


def test_later_choices_are_added(cache, plan):
    cache.store_choices(plan().with_choice("threads", 7, Reason("")), ("threads",), answered=("threads", "compile"))
    cache.store_choices(plan().with_choice("batch_size", 32, Reason("")), ("batch_size",), answered=("batch_size",))
    cached = cache.lookup(plan(), ("threads", "batch_size", "compile", "precision"))
    assert (cached.plan.threads, cached.plan.batch_size) == (7, 32)
    assert cached.names == {"threads", "batch_size"}
    assert cached.answered == {"threads", "batch_size", "compile"}, "not precision: it is still to be measured"


def test_times_and_choices_do_not_overwrite_each_other(cache, plan):
    cache.store_finalization("saved", 2.5)
    cache.store_choices(plan().with_choice("threads", 7, Reason("")), ("threads",))
    cache.store_finalization("kept", 0.5)
    assert (cache.finalization_s("saved"), cache.finalization_s("kept")) == (2.5, 0.5)
    assert cache.lookup(plan(), ("threads",)).plan.threads == 7


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"choices": 3}', '{"choices": {"threads": {}}}', '{"finalization_s": {"saved": "long"}}']
)
def test_a_file_that_naiad_did_not_write_is_ignored(cache, plan, text):
    cache.path.write_text(text)
    assert cache.lookup(plan(), ("threads",)) == CachedPlan(plan())
    assert cache.finalization_s("saved") is None
    cache.store_finalization("saved", 1.0)
    assert cache.finalization_s("saved") == 1.0


@pytest.mark.parametrize(
    ("written", "damaged"),
    [('"value": 64', '"value": 65'), ('"value": 64', '"value": 0'), ("1.5", "1.6"), ("faster", "slower")],
)
def test_a_damaged_file_is_ignored(cache, plan, written, damaged):
    cache.store_choices(plan().with_choice("batch_size", 64, Reason("faster")), ("batch_size",))
    cache.store_finalization("saved", 1.5)
    text = cache.path.read_text()
    assert cache.lookup(plan(), ("batch_size",)).plan.batch_size == 64
    cache.path.write_text(text.replace(written, damaged))
    assert cache.path.read_text() != text
    assert cache.lookup(plan(), ("batch_size",)) == CachedPlan(plan())
    assert cache.finalization_s("saved") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0), ("batch_size", "64"), ("batch_size", "rule"), ("augment", 5), ("augment", ["blur"]),
        ("precision", "fp64"), ("threads", None), ("learning_rate", float("nan")), ("learning_rates", 0.1),
    ],
)  # fmt: skip
def test_a_value_that_no_user_could_set_is_ignored(cache, plan, name, value):
    """Another version might have written it."""
    reason = {"text": "faster", "measured": None, "measurements": []}
    choices = {"threads": {"value": 7, "reason": reason}, name: {"value": value, "reason": reason}}
    cache.path.write_bytes(checksums.dumps_with_sha256({"choices": choices, "answered": ["threads", name]}))
    assert cache.lookup(plan(), ("threads", name)) == CachedPlan(plan())


def test_a_reason_of_an_earlier_version_is_ignored(cache, plan):
    reason = {"text": "faster", "measured": None, "tried": [{"value": "7", "measured": "3 ms"}]}
    cache.path.write_bytes(checksums.dumps_with_sha256({"choices": {"threads": {"value": 7, "reason": reason}}}))
    assert cache.lookup(plan(), ("threads",)) == CachedPlan(plan())


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path):
    (tmp_path / "file").write_text("")
    cache = MeasurementCache(tmp_path / "file" / "one.json")
    cache.store_finalization("saved", 1.0)
    assert cache.finalization_s("saved") is None


def test_the_cache_is_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "naiad" / "autoscale"
