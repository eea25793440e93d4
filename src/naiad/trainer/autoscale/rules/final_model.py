"""Rules for the model after training: which weights it gets, calibration, clusters."""

from naiad.trainer.autoscale.rules.decision import Decision
from naiad.trainer.autoscale.rules.run_facts import RunFacts


def choose_final_model(facts: RunFacts) -> list[Decision]:
    why = "their number is chosen by silhouette at the end" if facts.is_clustering else "not a clustering task"
    return [_keep_weights(facts), _ema(facts), _calibrate(facts), facts.decide("clusters", None, why)]


def _keep_weights(facts: RunFacts) -> Decision:
    if facts.is_ensemble:
        why = "tables are soon learnt by heart: the epoch with the lowest loss on the validation split is kept"
        return facts.decide("keep_weights", "lowest-loss", why)
    if facts.is_regression and facts.has_few_samples:
        why = "with few noisy values, the best epoch on the validation split is better than the last"
        return facts.decide("keep_weights", "best", why)
    return facts.decide("keep_weights", "last", "the schedule ends at zero, so the last weights are the best")


def _ema(facts: RunFacts) -> Decision:
    if facts.is_ensemble:
        return facts.decide("ema", 0.98, "an average over the last steps fits few rows better than the last step")
    if facts.is_regression:
        return facts.decide("ema", 0.98, "an average over the last steps fits noisy values better than the last step")
    return facts.decide("ema", None, "the falling learning rate averages enough")


def _calibrate(facts: RunFacts) -> Decision:
    if facts.is_ensemble and facts.is_regression:
        return facts.decide("calibrate", "on", "values that validate worse than the mean are pulled towards it")
    if facts.is_classification:
        return facts.decide("calibrate", "on", "a class with a probability of 80 % is then right in 80 % of the cases")
    return facts.decide("calibrate", "off", "there are no probabilities")
