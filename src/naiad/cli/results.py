"""How an evaluation's JSON reads on a terminal."""

from typing import Any

from naiad.cli.output import give, give_table


def evaluation_line(evaluation: dict[str, Any]) -> str:
    metrics = " | ".join(f"{name} {value:.4f}" for name, value in evaluation["metrics"].items())
    return f"{metrics} | loss {evaluation['loss']:.4f} | {evaluation['samples']:,} samples"


def give_evaluation(evaluation: dict[str, Any]) -> None:
    give(evaluation_line(evaluation))
    if per_class := evaluation.get("per_class"):
        give("")
        rows = [
            [
                str(score["name"]),
                *(f"{score[part]:.4f}" for part in ("precision", "recall", "f1")),
                f"{score['support']:,}",
            ]
            for score in per_class
        ]
        give_table(["class", "precision", "recall", "f1", "samples"], rows)
