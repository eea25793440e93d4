"""Logs a problem once while it lasts, and not in each of the supervisor's passes."""

import logging
from collections.abc import Collection

from naiad.service.domain.errors import ServiceError

_LOG = logging.getLogger(__name__)


class ProblemLog:
    """Keeps the last problem of each subject."""

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}

    def warn(self, subject: str, error: Exception) -> None:
        """Logs an error that is no trouble of disk or store with the place where it was raised."""
        if self._problems.get(subject) != str(error):
            self._problems[subject] = str(error)
            is_unexpected = not isinstance(error, ServiceError | OSError)
            _LOG.warning("%s: %s; trying again", subject, error, exc_info=error if is_unexpected else None)

    def retain(self, subjects: Collection[str]) -> None:
        """Forgets the problems of all other subjects, so that they are logged when they come again."""
        self._problems = {subject: text for subject, text in self._problems.items() if subject in subjects}
