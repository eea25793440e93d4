"""An association: a directed edge between two things that have ARNs."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class AssociationType(StrEnum):
    """The type of an association. The first two are the service's own; the others are AWS's words for lineage."""

    MEMBER = "Member"  # a trial is a member of an experiment, and a trial component one of a trial
    SOURCE = "Source"  # a trial component was made from a job
    CONTRIBUTED_TO = "ContributedTo"
    ASSOCIATED_WITH = "AssociatedWith"
    DERIVED_FROM = "DerivedFrom"
    PRODUCED = "Produced"
    SAME_AS = "SameAs"


LINEAGE_TYPES = tuple(one for one in AssociationType if one not in (AssociationType.MEMBER, AssociationType.SOURCE))


@dataclass(frozen=True)
class Association:
    """One edge. There is at most one between two ARNs in each direction."""

    source: str
    destination: str
    type: AssociationType
    created_at: dt.datetime
    """Aware and in UTC."""
