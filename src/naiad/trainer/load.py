"""A trained model as a folder that outlives versions: ``load`` brings it back, with or without the network's class.

The folder's safety is in artifact/folder.py, its files in artifact/parts.py; what is here turns them into a Model.
"""

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from naiad.errors import ArtifactError, NetworkError
from naiad.trainer import nets
from naiad.trainer.artifact import folder as artifact_folder
from naiad.trainer.artifact import parts
from naiad.trainer.artifact.export import load_program
from naiad.trainer.artifact.folder import Opened
from naiad.trainer.artifact.parts import FEATURES, HEAD, PROGRAM, SAMPLES, SOURCE, WEIGHTS
from naiad.trainer.artifact.program import Program
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.features import schema_from_json
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.model.model import EpochRecord, Model
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.plan.plan import Plan


def save(model: Model, folder: str | Path) -> Path:
    """As ``model.save``."""
    return model.save(folder)


def add_files(folder: Path, names: Iterable[str]) -> None:
    """Lists more files of the artifact's folder in its naiad.json; a folder stands for the files in it, a missing name for none.

    Raises ArtifactError, FolderError, DiskFull.
    """
    artifact_folder.add_files(folder, names)


def load(folder: str | Path, *, net: nn.Module | type[nn.Module] | None = None, module: bool = False) -> Model:
    """Every file is checked first. Without ``net`` and ``module`` no class of the user's is needed.

    net: the network's class, or one of its instances, to get the weights. module: True builds a registered network again.
    Raises ArtifactError; NetworkError when ``net`` does not fit the weights.
    """
    opened = artifact_folder.open_folder(Path(folder).expanduser())
    try:
        model = _described(opened)
    except (KeyError, TypeError, ValueError) as error:
        raise opened.damaged(f"is incomplete: {error!r}") from error
    model.program = _program(opened, model, net, module=module)
    return model


def _described(opened: Opened) -> Model:
    """All but the program."""
    values = opened.values
    source = opened.path(SOURCE).read_bytes().decode() if opened.has(SOURCE) else None
    return Model(
        program=nn.Identity(),
        task=Task(values["task"]),
        schema=schema_from_json(values["input"]),
        classes=tuple(values["classes"]),
        target_name=values["target_name"],
        plan=Plan.from_json(values["plan"]),
        network=NetworkSource(**values["network"], source=source),
        findings=Findings(tuple(_finding(item) for item in values["findings"])),
        history=tuple(EpochRecord(**record) for record in values["history"]),
        evaluations=values["evaluations"],
        baseline=values["baseline"],
        samples=parts.read_samples(opened.path(SAMPLES))[0] if opened.has(SAMPLES) else None,
        path=opened.folder,
        missing=values["missing"],
    )


def _finding(item: Mapping[str, Any]) -> Finding:
    return Finding(**{**item, "action": Action(item["action"]), "examples": tuple(item["examples"])})


def _program(opened: Opened, model: Model, net: nn.Module | type[nn.Module] | None, *, module: bool) -> nn.Module:
    if net is not None:
        return _rebuilt(opened, model, _instance(net))
    if module and not model.network.registered:
        raise NetworkError(
            f"{model.network.name} is a class of yours: it cannot be built from the artifact alone",
            hint=f"give it: naiad.load({str(opened.folder)!r}, net={model.network.name})",
        )
    if module or (model.network.registered and not opened.has(PROGRAM)):
        return _rebuilt(opened, model, _registered(model.network))
    if not opened.has(PROGRAM):
        raise ArtifactError(
            f"{opened.folder} holds weights but no program: {model.missing.get(PROGRAM, 'the reason was not recorded')}",
            hint=f"give the network's class: naiad.load({str(opened.folder)!r}, net={model.network.name})",
        )
    return _exported(opened, PROGRAM)


def _rebuilt(opened: Opened, model: Model, net: nn.Module) -> Program:
    for name in (FEATURES, HEAD):
        if not opened.has(name):
            reason = model.missing.get(name, "the reason was not recorded")
            raise ArtifactError(f"{opened.folder} cannot be loaded as a module, it has no {name}: {reason}")
    weights = parts.read_weights(opened.path(WEIGHTS), "net")
    middle = parts.fill_network(net, weights, encoder=model.task is Task.CLUSTERING)
    program = Program(_exported(opened, FEATURES), middle, _exported(opened, HEAD))
    return program.eval()


def _exported(opened: Opened, name: str) -> nn.Module:
    try:
        return load_program(opened.path(name))
    except Exception as error:
        written = opened.values["versions"].get("torch", "of unknown version")
        raise ArtifactError(
            f"{opened.path(name)} cannot be read by torch {torch.__version__}, it was written by torch {written}: {error}",
            hint=f"install torch {written}, or load the network as a module: net=... or module=True",
        ) from error


def _instance(net: nn.Module | type[nn.Module]) -> nn.Module:
    if isinstance(net, nn.Module):
        return net
    if not (inspect.isclass(net) and issubclass(net, nn.Module)):
        raise NetworkError(f"net is no network: {net!r}", hint="give a torch.nn.Module, or its class")
    try:
        return net()
    except TypeError as error:
        raise NetworkError(
            f"{net.__name__} cannot be made without arguments: {error}", hint="give an instance: net=MyNet(...)"
        ) from error


def _registered(network: NetworkSource) -> nn.Module:
    return nets.create(network.name, **network.arguments)
