"""Rules for the data: normalisation, from memory or as a stream."""

from naiad.trainer.autoscale.rules.decision import Decision
from naiad.trainer.autoscale.rules.run_facts import RunFacts
from naiad.trainer.data.features.fit import format_statistics
from naiad.trainer.data.loading import check_feed, check_feed_workers, default_feed, default_feed_workers


def choose_data(facts: RunFacts) -> list[Decision]:
    """Raises OptionError where the data cannot come as the user wants."""
    samples = facts.dataset.train.samples
    check_feed(facts.overrides.get("feed"), facts.dataset)
    check_feed_workers(facts.overrides.get("feed_workers"), samples)
    return [
        _normalisation(facts),
        facts.decide("feed", *default_feed(samples)),
        facts.decide("feed_workers", *default_feed_workers(samples)),
    ]


def _normalisation(facts: RunFacts) -> Decision:
    statistics = format_statistics(facts.dataset.features)
    if statistics is None:
        return facts.decide("normalisation", "on", "there is nothing to normalise")
    why = "mean 0 and deviation 1 by channel or column, with the statistics of the training split"
    return facts.decide("normalisation", "on", why, measured=statistics)
