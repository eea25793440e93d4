"""Opens the driver of a service's tuning jobs over its parts."""

from naiad.service.store.lock import NullLock, StoreLock
from naiad.service.store.sql import SqlStore
from naiad.service.tuning.curves import Curves
from naiad.service.tuning.driver import TuningDriver
from naiad.service.tuning.search import Search
from naiad.service.tuning.searches import Searches
from naiad.service.tuning.service import TuningService
from naiad.service.tuning.trial_jobs import TrialJobs


def open_tuning_driver(
    tunings: TuningService, store: SqlStore, search: Search, store_lock: StoreLock | None = None
) -> TuningDriver:
    """``store_lock``: None where the store is nobody else's."""
    curves = Curves(tunings.jobs)
    return TuningDriver(
        store.entities,
        store.trials,
        store,
        TrialJobs(tunings.jobs, curves),
        Searches(search, curves),
        tunings.clock,
        store_lock or NullLock(),
        tunings.wake_event,
    )
