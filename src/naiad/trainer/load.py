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
from naiad.trainer.artifact import files
from naiad.trainer.artifact.export import load_program
from naiad.trainer.artifact.files import FEATURES, HEAD, ONNX, PROGRAM, SAMPLES, SOURCE, WEIGHTS
from naiad.trainer.artifact.folder import ArtifactFolder, open_artifact_folder
from naiad.trainer.artifact.onnx_graph import read_graph
from naiad.trainer.artifact.onnx_program import OnnxProgram, is_onnxruntime_installed
from naiad.trainer.artifact.program import Program
from naiad.trainer.artifact.user_path import read_folder_path
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.features import schema_from_json
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.model import rebuild
from naiad.trainer.model.model import EpochRecord, Model
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.plan.plan import Plan


@explain_errors(ArtifactError, "the model cannot be loaded")
def load(
    folder: str | Path,
    *,
    net: nn.Module | type[nn.Module] | None = None,
    module: bool = False,
    trust: bool = False,
) -> Model:
    """Reads the model in ``folder`` after a check of every file. By default no class of the user's is needed.

    net: the network's class, or one of its instances, to get the weights. module: True builds a registered network again.
    trust: True runs the artifact's own program.pt2, which is code of whoever wrote it. An artifact that Naiad wrote on this
    machine needs no such word; of any other the graph in model.onnx is run, or the weights in a registered network.
    Raises ArtifactError, OptionError; NetworkError when ``net`` does not fit the weights.
    """
    for name, value in (("module", module), ("trust", trust)):
        if not isinstance(value, bool):
            raise OptionError(f"{name} is True or False, given {describe_value(value)}")
    artifact = open_artifact_folder(read_folder_path(folder, name="load", error=ArtifactError))
    try:
        model = _model_without_program(artifact)
    except (KeyError, TypeError, ValueError) as error:
        raise artifact.damage_error(f"is incomplete: {error!r}") from error
    is_trusted = trust or artifact.is_signed_here
    if net is not None or module:
        model.program = _rebuild_program(artifact, model, net, is_trusted=is_trusted)
    else:
        model.program = _load_program(artifact, model, is_trusted=is_trusted)
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


def _load_program(artifact: ArtifactFolder, model: Model, *, is_trusted: bool) -> nn.Module:
    """The whole program, by the first way that is open (decision 15)."""
    if is_trusted and artifact.has_file(PROGRAM):
        return _read_exported(artifact, PROGRAM)
    if artifact.has_file(ONNX) and is_onnxruntime_installed():
        return _read_onnx(artifact)
    if model.network.registered:
        return _rebuild_program(artifact, model, None, is_trusted=is_trusted)
    raise _no_program_error(artifact, model)


def _no_program_error(artifact: ArtifactFolder, model: Model) -> ArtifactError:
    folder = str(artifact.folder)
    give_class = f"give the network's class: naiad.load({folder!r}, net={model.network.name})"
    if not artifact.has_file(PROGRAM):
        return ArtifactError(
            f"{folder} holds weights but no program: {_missing_reason(model, PROGRAM)}", hint=give_class
        )
    graph = (
        f"install onnxruntime, which runs its {ONNX}"
        if artifact.has_file(ONNX)
        else f"it has no {ONNX}: {_missing_reason(model, ONNX)}"
    )
    return ArtifactError(
        f"{folder} was not written by Naiad on this machine, and its {PROGRAM} is code of whoever wrote it",
        hint=f"{give_class}; or {graph}; or, if you trust its author with your account, trust=True (--trust)",
    )


def _rebuild_program(
    artifact: ArtifactFolder, model: Model, net: nn.Module | type[nn.Module] | None, *, is_trusted: bool
) -> Program:
    """The program around ``net``, or around a network of the registry, with the weights of the artifact."""
    network = model.network
    if net is None and not network.registered:
        raise NetworkError(
            f"{network.name} is a class of yours: it cannot be built from the artifact alone",
            hint=f"give it: naiad.load({str(artifact.folder)!r}, net={network.name})",
        )
    parts = files.read_parts(artifact.file_path(WEIGHTS))
    module = rebuild.create_registered(model, parts) if net is None else _instance(net)
    features, head = rebuild.features_and_head(model, parts)
    return rebuild.join_program(
        model,
        features or _read_end(artifact, model, FEATURES, is_trusted=is_trusted),
        module,
        head or _read_end(artifact, model, HEAD, is_trusted=is_trusted),
        parts,
    )


def _read_end(artifact: ArtifactFolder, model: Model, name: str, *, is_trusted: bool) -> nn.Module:
    """The features or the head as they were exported, for kinds that this version does not know."""
    if not artifact.has_file(name):
        reason = _missing_reason(model, name)
        raise ArtifactError(f"{artifact.folder} cannot be loaded as a module, it has no {name}: {reason}")
    if not is_trusted:
        raise ArtifactError(
            f"{artifact.folder} has a {name.removesuffix('.pt2')} of a kind that this version does not know, and {name} is code",
            hint="load it without net= and module=; or, if you trust its author with your account, trust=True",
        )
    return _read_exported(artifact, name)


def _missing_reason(model: Model, name: str) -> str:
    return model.missing.get(name, "the reason was not recorded")


def _read_onnx(artifact: ArtifactFolder) -> nn.Module:
    path = artifact.file_path(ONNX)
    try:
        return OnnxProgram(read_graph(path), threads=torch.get_num_threads())
    except ArtifactError:
        raise
    except Exception as error:
        raise ArtifactError(
            f"{path} cannot be run by ONNX Runtime: {describe_error(error)}",
            hint="load the network as a module: net=... or module=True",
        ) from error


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
