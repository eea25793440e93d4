"""How an evaluation's JSON reads on a terminal."""

from typing import Any

from naiad.cli.output import give, give_table


def evaluation_line(evaluation: dict[str, Any]) -> str:
    metrics = " | ".join(f"{name} {figure(value)}" for name, value in evaluation["metrics"].items())
    return f"{metrics} | loss {figure(evaluation['loss'])} | {evaluation['samples']:,} samples"


def figure(value: float | None) -> str:
    """A score; what could not be computed is a dash."""
    return "–" if value is None else f"{value:.4f}"


def give_evaluation(evaluation: dict[str, Any]) -> None:
    give(evaluation_line(evaluation))
    if per_class := evaluation.get("per_class"):
        give("")
        rows = [
            [
                str(score["name"]),
                *(figure(score[part]) for part in ("precision", "recall", "f1")),
                f"{score['support']:,}",
            ]
            for score in per_class
        ]
        give_table(["class", "precision", "recall", "f1", "samples"], rows)
