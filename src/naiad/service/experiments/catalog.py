"""Everything about experiments that handlers work with, in one value."""

from dataclasses import dataclass
from pathlib import Path

from naiad.service.domain.clock import Clock
from naiad.service.experiments.experiments import Experiments
from naiad.service.experiments.job_components import JobComponents
from naiad.service.experiments.lineage import Lineage
from naiad.service.experiments.records import ExperimentRecords
from naiad.service.experiments.trial_components import TrialComponents
from naiad.service.store.association_port import AssociationStore
from naiad.service.store.entity_port import EntityStore


@dataclass(frozen=True)
class ExperimentCatalog:
    records: ExperimentRecords
    experiments: Experiments
    components: TrialComponents
    job_components: JobComponents
    lineage: Lineage


def experiment_catalog(
    entities: EntityStore, associations: AssociationStore, clock: Clock, *, state_folder: Path, region: str
) -> ExperimentCatalog:
    records = ExperimentRecords(entities, associations, clock, region)
    experiments, components = Experiments(records), TrialComponents(records, state_folder)
    return ExperimentCatalog(records, experiments, components, JobComponents(experiments, components), Lineage(records))
