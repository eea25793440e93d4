"""Inputs of a study: the choices that every trial keeps, the data as each trial needs them, and what the network gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from naiad.errors import OptionError
from naiad.trainer import nets
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.prepare import prepare
from naiad.trainer.fit import EarlyChoices, PlanRequest, data_options, plan_request
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.machine.seeding import RandomState
from naiad.trainer.tuning.networks import TrialNetworks
from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.tune_options import TuneOptions


@dataclass
class TrialDatasets:
    """The dataset as each trial needs it: feed and normalisation change how the data are prepared. Prepared once each."""

    data: Any
    net: Any
    options: FitOptions
    seed: int
    early: EarlyChoices
    _prepared: dict[tuple[str | None, str], Dataset] = field(default_factory=dict)

    def __call__(self, choices: Mapping[str, Any]) -> Dataset:
        early = replace(
            self.early,
            feed=choices.get("feed", self.early.feed),
            normalisation=choices.get("normalisation", self.early.normalisation),
        )
        key = (early.feed, early.normalisation)
        if key not in self._prepared:
            unwrapped = nets.unwrap_network(self.net)
            network = nets.describe_network_input(unwrapped.net)
            random = RandomState.capture()
            self._prepared[key] = prepare(self.data, data_options(self.options, self.seed, early), network=network)
            random.restore()
        return self._prepared[key]

    def prepare_all(self, space: Space) -> None:
        """Prepares every variant of the space, so that workers share them."""
        by_name = {
            name: dimension.choices
            for dimension in space.dimensions
            if (name := dimension.name) in ("feed", "normalisation")
        }
        for feed in by_name.get("feed", (None,)):
            for normalisation in by_name.get("normalisation", (None,)):
                wanted = {"feed": feed, "normalisation": normalisation}
                self({name: value for name, value in wanted.items() if value is not None})


def read_request(options: TuneOptions) -> tuple[PlanRequest, float | None]:
    """Returns the choices that every trial keeps, and the time of the whole search. Raises OptionError."""
    limit_s = options.fit.time_limit_s
    if limit_s is not None:
        plan_request(FitOptions(time_limit_s=limit_s))  # raises for what is no time
    request = plan_request(replace(options.fit, time_limit_s=None))
    if request.followed is not None:
        raise OptionError("a search does not follow a plan", hint="give choices to keep: plan={'batch_size': 64}")
    if "time_limit_s" in request.overrides:
        raise OptionError("time_limit_s is the time of the whole search", hint="give it as tune's own argument")
    return request, None if limit_s is None else float(limit_s)


def try_network_output(networks: TrialNetworks, dataset: Dataset) -> str:
    """Tries a network before anything is written, as ``fit`` does; returns what it gives. Raises NetworkError."""
    random = RandomState.capture()
    try:
        return nets.try_network(networks.make({})[0], dataset).output
    finally:
        random.restore()
