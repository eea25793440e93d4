import inspect
import multiprocessing
import os
import pickle
import runpy
import socket
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from naiad.trainer.data.dataset import Dataset, Split, Task, TensorSamples
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.findings import Findings
from naiad.trainer.plan.plan import Plan

PLAN = Plan(
    epochs=4, total_steps=40, time_limit_s=None, checkpoint_steps=7, batch_size=10, microbatch_size=10, optimizer="sgd",
    learning_rate=0.1, momentum=0.9, weight_decay=0.0, schedule="one-cycle", warmup_fraction=0.2, clip_norm=None,
    label_smoothing=0.0, augment=(), precision="fp32", memory_format="contiguous", feed="memory", keep_weights="last",
    ema=None, clusters=None, device="cpu", threads=1, seed=0,
)  # fmt: skip


@pytest.fixture
def plan():
    """A function that makes a plan for a hundred samples, with some choices replaced."""
    return lambda **choices: replace(PLAN, **choices)


def _split(count, generator):
    targets = torch.arange(count) % 3
    inputs = torch.randn(count, 5, generator=generator) + 2 * nn.functional.one_hot(targets, 5)
    return Split(TensorSamples(inputs), targets, [f"index {index}" for index in range(count)])


@pytest.fixture
def blobs():
    """Three well separated classes in five dimensions: 100 training samples, 30 for validation and test."""
    generator = torch.Generator().manual_seed(0)
    train, validation, test = (_split(count, generator) for count in (100, 30, 30))
    return Dataset(
        name="blobs",
        task=Task.CLASSIFICATION,
        task_reason="made so",
        schema=ArraySchema((5,)),
        features=nn.Identity(),
        classes=("a", "b", "c"),
        target_name="class",
        train=train,
        validation=validation,
        test=test,
        findings=Findings(),
    )


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def run_processes(tmp_path_factory):
    """A function that has several processes call ``function(*arguments)``, which stands at the top of a test's file.

    Returns the results by rank: a value, a NaiadError, or the number of the signal that ended the process. The processes are
    forked from one that has torch loaded, and train on one thread each.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["naiad.trainer.fit", "sklearn.datasets", "pytest"])

    def call(function, *arguments, size=2, within_s=120):
        folder, port = tmp_path_factory.mktemp("processes"), _free_port()
        group = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        own = {"XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"], "GLOO_SOCKET_IFNAME": "lo"}
        file, program = inspect.getsourcefile(function), Path(__file__).with_name("process.py")
        processes = []
        for rank in range(size):
            environment = {**group, **own, "RANK": str(rank)}
            paths = [str(folder / f"{rank}.pickle"), str(folder / f"{rank}.log")]
            variables = {"CALL": (environment, file, function.__name__, arguments, *paths)}
            processes.append(context.Process(target=runpy.run_path, args=(str(program), variables)))
            processes[-1].start()
        try:
            return [_result(process, folder / str(rank), within_s) for rank, process in enumerate(processes)]
        finally:
            for process in processes:
                process.kill()
                process.join()

    return call


def _result(process, path, within_s):
    process.join(within_s)
    assert process.exitcode is not None, f"still running after {within_s} s: {path.with_suffix('.log').read_text()}"
    if process.exitcode < 0:
        return -process.exitcode
    assert process.exitcode == 0, path.with_suffix(".log").read_text()
    return pickle.loads(path.with_suffix(".pickle").read_bytes())
