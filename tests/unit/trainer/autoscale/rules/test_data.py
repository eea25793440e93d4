"""Rules for the data."""

from dataclasses import replace

import pytest

from naiad.errors import OptionError
from naiad.trainer.autoscale.rules.make_plan import make_plan
from naiad.trainer.data.features.array import fit_array_features


def test_a_feed_that_the_data_do_not_have_is_refused(nets, blobs):
    plan = make_plan(nets.linear(), blobs, {"feed": "memory", "feed_workers": 4}, seed=0)
    assert (plan.feed, plan.feed_workers) == ("memory", 4)
    assert make_plan(nets.linear(), blobs, {}, seed=0).feed_workers == 1
    with pytest.raises(OptionError, match="feed is stream"):
        make_plan(nets.linear(), blobs, {"feed": "stream"}, seed=0)


def test_the_statistics_of_normalisation_are_shown(nets, blobs):
    features = fit_array_features(blobs.train.samples, seed=0)
    plan = make_plan(nets.linear(), replace(blobs, features=features), {}, seed=0)
    assert plan.normalisation == "on"
    assert dict(plan.reasons)["normalisation"].measured.startswith("5 columns: mean")
    assert make_plan(nets.linear(), blobs, {}, seed=0).normalisation == "on"
