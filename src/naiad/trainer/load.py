"""``load``: reads a model from the folder of an artifact, with or without the network's class."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from naiad.errors import (
    ArtifactError,
    NetworkError,
    OptionError,
    describe_error,
    describe_value,
    explain_errors,
)
from naiad.trainer import nets
from naiad.trainer.artifact import files
from naiad.trainer.artifact.export import load_program
from naiad.trainer.artifact.files import FEATURES, HEAD, PROGRAM, SAMPLES, SOURCE, WEIGHTS
from naiad.trainer.artifact.folder import ArtifactFolder, open_artifact_folder
from naiad.trainer.artifact.program import Program
from naiad.trainer.artifact.user_path import read_folder_path
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.features import schema_from_json
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.model.model import EpochRecord, Model
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.plan.plan import Plan


@explain_errors(ArtifactError, "the model cannot be loaded")
def load(folder: str | Path, *, net: nn.Module | type[nn.Module] | None = None, module: bool = False) -> Model:
    """Reads the model in ``folder`` after a check of every file. By default no class of the user's is needed.

    net: the network's class, or one of its instances, to get the weights. module: True builds a registered network again.
    Raises ArtifactError, OptionError; NetworkError when ``net`` does not fit the weights.
    """
    if not isinstance(module, bool):
        raise OptionError(f"module is True or False, given {describe_value(module)}")
    artifact = open_artifact_folder(read_folder_path(folder, name="load", error=ArtifactError))
    try:
        model = _model_without_program(artifact)
    except (KeyError, TypeError, ValueError) as error:
        raise artifact.damage_error(f"is incomplete: {error!r}") from error
    model.program = _load_program(artifact, model, net, module=module)
    return model


def _model_without_program(artifact: ArtifactFolder) -> Model:
    values = artifact.values
    source = artifact.file_path(SOURCE).read_bytes().decode() if artifact.has_file(SOURCE) else None
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
        samples=files.read_samples(artifact.file_path(SAMPLES))[0] if artifact.has_file(SAMPLES) else None,
        path=artifact.folder,
        missing=values["missing"],
    )


def _finding(item: Mapping[str, Any]) -> Finding:
    return Finding(**{**item, "action": Action(item["action"]), "examples": tuple(item["examples"])})


def _load_program(
    artifact: ArtifactFolder, model: Model, net: nn.Module | type[nn.Module] | None, *, module: bool
) -> nn.Module:
    if net is not None:
        return _rebuild_program(artifact, model, _instance(net))
    network = model.network
    if module and not network.registered:
        raise NetworkError(
            f"{network.name} is a class of yours: it cannot be built from the artifact alone",
            hint=f"give it: naiad.load({str(artifact.folder)!r}, net={network.name})",
        )
    if module or (network.registered and not artifact.has_file(PROGRAM)):
        return _rebuild_program(artifact, model, nets.create_network(network.name, **network.arguments))
    if not artifact.has_file(PROGRAM):
        raise ArtifactError(
            f"{artifact.folder} holds weights but no program: {_missing_reason(model, PROGRAM)}",
            hint=f"give the network's class: naiad.load({str(artifact.folder)!r}, net={network.name})",
        )
    return _read_exported(artifact, PROGRAM)


def _rebuild_program(artifact: ArtifactFolder, model: Model, net: nn.Module) -> Program:
    """The program around ``net``, with the weights of the artifact and its exported features and head."""
    for name in (FEATURES, HEAD):
        if not artifact.has_file(name):
            reason = _missing_reason(model, name)
            raise ArtifactError(f"{artifact.folder} cannot be loaded as a module, it has no {name}: {reason}")
    weights = files.read_weights(artifact.file_path(WEIGHTS), "net")
    network = files.load_weights_into(net, weights, as_encoder=model.task is Task.CLUSTERING)
    program = Program(_read_exported(artifact, FEATURES), network, _read_exported(artifact, HEAD))
    return program.eval()


def _missing_reason(model: Model, name: str) -> str:
    return model.missing.get(name, "the reason was not recorded")


def _read_exported(artifact: ArtifactFolder, name: str) -> nn.Module:
    try:
        return load_program(artifact.file_path(name))
    except Exception as error:
        written = artifact.values["versions"].get("torch", "of unknown version")
        raise ArtifactError(
            f"{artifact.file_path(name)} cannot be read by torch {torch.__version__}, it was written by torch {written}: {error}",
            hint=f"install torch {written}, or load the network as a module: net=... or module=True",
        ) from error


def _instance(net: nn.Module | type[nn.Module]) -> nn.Module:
    if isinstance(net, nn.Module):
        return net
    if not (inspect.isclass(net) and issubclass(net, nn.Module)):
        raise NetworkError(f"net is no network: {describe_value(net)}", hint="give a torch.nn.Module, or its class")
    try:
        return net()
    except Exception as error:
        raise NetworkError(
            f"{net.__name__} cannot be made without arguments: {describe_error(error)}",
            hint="give an instance: net=MyNet(...)",
        ) from error
