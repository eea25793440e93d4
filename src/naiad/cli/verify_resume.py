"""``naiad verify-resume``: proves, on the user's own network, that a killed run continues as if it had not been killed."""

import sys
from typing import Annotated

import typer

from naiad.cli import options
from naiad.cli.output import print_json, print_line, print_message
from naiad.cli.run_command import FAILURE


def verify_resume(
    net: options.NetArgument,
    data: options.DataArgument,
    kills: Annotated[int, typer.Option(min=1, help="How often a run is killed, at random times.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, help="Length of the run.")] = 2,
    seed: options.SeedOption = 0,
    label: options.LabelOption = None,
    task: options.TaskOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Prove that a killed run resumes exactly.

    Kills a run with SIGKILL at random times, resumes it, and compares it bit by bit with an uninterrupted one.
    """
    from naiad.trainer.verify_resume import verify_resume as prove_resume

    settings = [word for name, value in (("--label", label), ("--task", task)) if value for word in (name, value)]
    command = [sys.executable, "-m", __package__, "train", net, data, *settings]
    proof = prove_resume(command, kills=kills, epochs=epochs, seed=seed, report=print_message)
    if as_json:
        print_json({"equal": proof.equal, "kills": proof.kills, "steps": proof.steps, "differing": proof.differing})
    else:
        steps = ", ".join(map(str, proof.steps))
        print_line(f"{'equal' if proof.equal else 'different'}: {proof.kills} kills at steps {steps}")
        for name in proof.differing:
            print_line(f"differs: {name}")
    if not proof.equal:
        raise typer.Exit(FAILURE)
