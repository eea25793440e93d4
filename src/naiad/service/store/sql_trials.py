"""The trials of tuning jobs on a SQL database; ``trial_port.py`` has the contract."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from naiad.service.domain.errors import AlreadyExists, NotFound
from naiad.service.domain.tuning import Trial, TrialState
from naiad.service.store.database import Database
from naiad.service.store.row_checksum import check_row, undamaged, with_checksum
from naiad.service.store.schema import COLUMNS_WITHOUT_CHECKSUM, trials
from naiad.service.store.timestamps import from_epoch_us, to_epoch_us

_PLAIN = ("definition", "objective", "stop_reason", "promotions", "failure_reason", "parent")
"""Fields that the column ``detail`` holds as they are."""


class SqlTrialStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, added: Sequence[Trial]) -> None:
        with self._database.begin() as connection:
            try:
                put_trials(connection, added)
            except IntegrityError as error:
                names = ", ".join(trial.name for trial in added)
                raise AlreadyExists(f"a trial of the number of one of {names} already exists") from error

    def update(self, trial: Trial) -> None:
        is_same = (trials.c.tuning == trial.tuning) & (trials.c.number == trial.number)
        with self._database.begin() as connection:
            if connection.execute(update(trials).where(is_same).values(_to_row(trial))).rowcount == 0:
                raise NotFound(f"no trial {trial.number} of the tuning job {trial.tuning}")

    def last_number(self, tuning: str) -> int:
        is_own = (trials.c.tuning == tuning) & (trials.c.number > 0)
        with self._database.connect() as connection:
            return connection.execute(select(func.max(trials.c.number)).where(is_own)).scalar() or 0

    def of(self, tuning: str) -> tuple[Trial, ...]:
        return self.of_all([tuning])[tuning]

    def of_all(self, tunings: Sequence[str]) -> Mapping[str, tuple[Trial, ...]]:
        statement = select(trials).where(trials.c.tuning.in_(tunings)).order_by(trials.c.tuning, trials.c.number)
        with self._database.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        found: dict[str, list[Trial]] = {name: [] for name in tunings}
        for trial in undamaged(rows, _from_row):
            found[trial.tuning].append(trial)
        return {name: tuple(each) for name, each in found.items()}


def put_trials(connection: Connection, added: Sequence[Trial]) -> None:
    """Raises IntegrityError for a number that is there already."""
    if added:
        connection.execute(insert(trials), [_to_row(trial) for trial in added])


def remove_trials_of(connection: Connection, tuning: str) -> None:
    is_of_tuning: ColumnElement[bool] = trials.c.tuning == tuning
    connection.execute(delete(trials).where(is_of_tuning))


def _to_row(trial: Trial) -> dict[str, Any]:
    detail = {name: getattr(trial, name) for name in _PLAIN}
    detail |= {"values": dict(trial.values), "rungs": {str(epoch): value for epoch, value in trial.rungs.items()}}
    detail |= {"started_us": _epoch_us(trial.started_at), "ended_us": _epoch_us(trial.ended_at)}
    values = {
        "tuning": trial.tuning,
        "number": trial.number,
        "name": trial.name,
        "state": trial.state.value,
        "created_us": to_epoch_us(trial.created_at),
        "detail": json.dumps(detail, allow_nan=False),
    }
    return with_checksum(values)


def _from_row(row: Mapping[Any, Any]) -> Trial:
    """Raises DamagedRow."""
    check_row(row, COLUMNS_WITHOUT_CHECKSUM[trials.name])
    detail = json.loads(row["detail"])
    return Trial(
        tuning=row["tuning"],
        number=row["number"],
        name=row["name"],
        state=TrialState(row["state"]),
        created_at=from_epoch_us(row["created_us"]),
        values=detail["values"],
        rungs={int(epoch): value for epoch, value in detail["rungs"].items()},
        started_at=_time(detail["started_us"]),
        ended_at=_time(detail["ended_us"]),
        **{name: detail[name] for name in _PLAIN},
    )


def _epoch_us(at: dt.datetime | None) -> int | None:
    return None if at is None else to_epoch_us(at)


def _time(epoch_us: int | None) -> dt.datetime | None:
    return None if epoch_us is None else from_epoch_us(epoch_us)
