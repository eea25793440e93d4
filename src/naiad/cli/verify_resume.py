"""``naiad verify-resume``: proof, on the user's own network, that a killed run goes on as if nothing had happened."""

from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.edge import FAILED
from naiad.cli.output import give, give_json, tell


def verify_resume(
    net: options.Net,
    data: options.Data,
    kills: Annotated[int, typer.Option(min=1, help="How often the run is killed, at random points.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, help="Length of the run.")] = 2,
    seed: options.Seed = 0,
    label: options.Label = None,
    task: options.Task = None,
    as_json: options.Json = False,
) -> None:
    """Prove that a killed run resumes exactly.

    Kills a run with SIGKILL at random points, resumes it, and compares it bit by bit with an uninterrupted one.
    """
    from naiad.trainer.verify_resume import verify_resume as prove

    more = [part for name, value in (("--label", label), ("--task", task)) if value for part in (name, value)]
    proof = prove(net, data, kills=kills, epochs=epochs, seed=seed, options=more, report=tell)
    if as_json:
        give_json({"equal": proof.equal, "kills": proof.kills, "steps": proof.steps, "differing": proof.differing})
    else:
        steps = ", ".join(map(str, proof.steps))
        give(f"{'equal' if proof.equal else 'different'}: {proof.kills} kills at steps {steps}")
        for name in proof.differing:
            give(f"differs: {name}")
    if not proof.equal:
        raise typer.Exit(FAILED)
