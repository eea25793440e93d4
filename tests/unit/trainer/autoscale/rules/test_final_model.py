"""Rules for the model after training."""

from naiad.trainer.autoscale.rules.make_plan import make_plan


def test_a_classifier_is_calibrated_unless_overridden(nets, blobs):
    assert make_plan(nets.linear(), blobs, {}, seed=0).calibrate == "on"
    assert make_plan(nets.linear(), blobs, {"calibrate": "off"}, seed=0).calibrate == "off"
