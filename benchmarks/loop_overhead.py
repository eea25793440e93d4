"""Measures the overhead of Naiad's loop: an epoch of SimpleNet, batch 128, against a loop written by hand.

    python benchmarks/loop_overhead.py [--rounds 9] [--samples 55000] [--optimizer sgd] [--pieces]

One process runs the sides in turn, each round in another order; a ratio is of one round. All sides follow one plan: features,
forward, loss, backward, clip, update, the learning rate of every step. For the loop by hand the batches are already in memory,
raw as the loader makes them:

    bare        neither loss nor norm is read
    bare-item   the loss of every step is read (``.item()``), as by a loop that shows or checks it
    loop        Loop.train with checkpoints in memory, silent progress and an empty validation

``--pieces`` measures each piece that the loop adds, and each piece of a hand-written step.
"""

import argparse
import statistics

from log import log_row
from loop_pieces import PieceTimes
from loop_sides import Duration, Sides

GOAL = 1.03


def print_row(
    claim: str, numerator: list[Duration], denominator: list[Duration], sides: Sides, *, goal: str = ""
) -> None:
    ratios = [
        numerator_run.wall_s / denominator_run.wall_s
        for numerator_run, denominator_run in zip(numerator, denominator, strict=True)
    ]
    wall, cpu = (
        statistics.median(getattr(numerator_run, kind) for numerator_run in numerator)
        / statistics.median(getattr(denominator_run, kind) for denominator_run in denominator)
        for kind in ("wall_s", "cpu_s")
    )
    seconds = " and ".join(f"{statistics.median(one.wall_s for one in side):.3f}" for side in (numerator, denominator))
    note = (
        f"medians {seconds} s, ratio of the medians {wall:.3f}, of processor seconds {cpu:.3f}; "
        f"{sides.plan.optimizer}, {sides.plan.precision}, {sides.plan.memory_format}, {sides.plan.threads} threads"
    )
    print(log_row(claim, ratios, unit="×", goal=goal, script="loop_overhead.py", note=note))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--samples", type=int, default=55_000)
    parser.add_argument("--optimizer", default="sgd", help="sgd is the cheapest, so the loop weighs most beside it")
    parser.add_argument("--pieces", action="store_true")
    options = parser.parse_args()
    sides = Sides(options.samples, options.optimizer)
    sides_by_name = {"bare": sides.bare, "bare-item": sides.bare_item, "loop": sides.loop}
    for side in sides_by_name.values():
        side()
    durations: dict[str, list[Duration]] = {name: [] for name in sides_by_name}
    for number in range(options.rounds):
        order = list(sides_by_name)[number % 3 :] + list(sides_by_name)[: number % 3]
        for name in order if number % 2 == 0 else reversed(order):
            durations[name].append(sides_by_name[name]())
        print({name: round(values[-1].wall_s, 3) for name, values in durations.items()}, flush=True)
    print_row(
        "epoch of the loop ÷ bare steps, no loss read", durations["loop"], durations["bare"], sides, goal=f"≤ {GOAL}"
    )
    print_row(
        "epoch of the loop ÷ bare steps, every loss read",
        durations["loop"],
        durations["bare-item"],
        sides,
        goal=f"≤ {GOAL}",
    )
    print_row("bare steps: every loss read ÷ none", durations["bare-item"], durations["bare"], sides)
    if options.pieces:
        PieceTimes(sides, options.rounds).print_table()


if __name__ == "__main__":
    main()
