"""The state of a run between two steps, and its way into a snapshot and back, bit for bit.

The state holds everything that changes while a run goes on. What does not change is in the plan.
"""

import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from naiad.errors import ArtifactError
from naiad.trainer.loop.checkpoint import Snapshot
from naiad.trainer.machine.seeding import RandomState
from naiad.trainer.model.model import EpochRecord
from naiad.trainer.plan.plan import MicrobatchChange, Plan
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule, ScheduleAdjustment


@dataclass
class RunState:
    net: nn.Module
    optimizer: torch.optim.Optimizer
    ema: nn.Module | None
    """A copy of ``net`` whose weights are the moving average, when the plan asks for one."""
    microbatch_size: int
    """Samples of a forward pass at the start, before any change."""
    schedule: AdjustedSchedule
    started_at: float = field(default_factory=time.perf_counter)
    """Start of the run on ``time.perf_counter``. A resumed run has it moved back by the time that its earlier parts took."""
    step: int = 0
    """Updates so far."""
    learning_rate_scale: float = 1.0
    """Factor of the schedule's learning rate; falls at a rollback after a loss that is not finite."""
    rollbacks: int = 0
    """Rollbacks after a loss that is not finite, so far."""
    epoch_loss_sum: float = 0.0
    """Sum of the losses of this epoch's samples."""
    epoch_samples: int = 0
    """Samples of this epoch so far."""
    microbatch_history: list[MicrobatchChange] = field(default_factory=list)
    """Changes so far, and those of the plan that is followed."""
    history: list[EpochRecord] = field(default_factory=list)
    best_score: float | None = None
    best_loss: float | None = None
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def current_microbatch_size(self) -> int:
        """Most samples of a forward pass in the next step."""
        sizes = [change.size for change in self.microbatch_history if change.step <= self.step]
        return min([self.microbatch_size, *sizes])

    def followed_plan(self, plan: Plan) -> Plan:
        """The plan of the run, with the adjustments that the run has made to it."""
        return replace(
            plan,
            schedule_adjustments=tuple(self.schedule.adjustments),
            microbatch_history=tuple(self.microbatch_history),
        )

    def weights_to_score(self) -> nn.Module:
        """The network that is validated after an epoch: the moving average where there is one."""
        return self.ema if self.ema is not None else self.net

    def keep_if_best(self, candidate: nn.Module, score: float, loss: float) -> None:
        """Copies the candidate's weights when their score is the highest so far, or as high with a loss that is not higher."""
        best = None if self.best_score is None or self.best_loss is None else (self.best_score, -self.best_loss)
        if best is not None and (score, -loss) < best:
            return
        self.best_score, self.best_loss = score, loss
        self.best_weights = {name: value.detach().clone() for name, value in candidate.state_dict().items()}

    def load_kept_weights(self) -> None:
        """Puts the weights that the plan keeps into ``net``: the best ones, the moving average, or the last ones."""
        weights = self.best_weights or (self.ema.state_dict() if self.ema is not None else None)
        if weights is not None:
            with torch.no_grad():
                self.net.load_state_dict(weights)

    def snapshot(self, random_states: Sequence[RandomState] | None = None) -> Snapshot:
        """random_states: those of all processes, by rank; None is a single process, whose state is captured."""
        random_states = [RandomState.capture()] if random_states is None else random_states
        groups: dict[str, Mapping[str, Any]] = {
            "net": self.net.state_dict(),
            "ema": self.ema.state_dict() if self.ema is not None else {},
            "best": self.best_weights,
            "optimizer": _optimizer_tensors(self.optimizer),
            **{_random_group(rank): random.tensors() for rank, random in enumerate(random_states)},
        }
        tensors = {
            f"{group}/{name}": _copy_to_cpu(name, value)
            for group, items in groups.items()
            for name, value in items.items()
        }
        values = {
            "elapsed_s": time.perf_counter() - self.started_at,
            "learning_rate_scale": self.learning_rate_scale,
            "rollbacks": self.rollbacks,
            "microbatch_size": self.microbatch_size,
            "epoch_loss_sum": self.epoch_loss_sum,
            "epoch_samples": self.epoch_samples,
            "history": [dict(vars(record)) for record in self.history],
            "best_score": self.best_score,
            "best_loss": self.best_loss,
            "schedule_adjustments": [asdict(adjustment) for adjustment in self.schedule.adjustments],
            "microbatch_history": [asdict(change) for change in self.microbatch_history],
            **{_random_group(rank): random.to_json() for rank, random in enumerate(random_states)},
        }
        return Snapshot(self.step, tensors, values)

    def restore(self, snapshot: Snapshot, *, rank: int = 0) -> None:
        """Sets the whole state, and the random state of process ``rank`` where the snapshot has one.

        Raises ArtifactError when the snapshot is of another network.
        """
        groups = _group_tensors(snapshot.tensors)
        try:
            self.net.load_state_dict(groups.get("net", {}))
            if self.ema is not None:
                self.ema.load_state_dict(groups["ema"])
        except (RuntimeError, KeyError) as error:
            raise ArtifactError(
                f"the checkpoint at step {snapshot.step} is of another network: {str(error).splitlines()[-1].strip()}",
                hint="resume with the network that the run was started with, or start anew in another folder",
            ) from error
        _restore_optimizer(self.optimizer, groups.get("optimizer", {}))
        self.best_weights = groups.get("best", {})
        self.step = snapshot.step
        self._restore_values(snapshot.values)
        random_group = _random_group(rank)
        if random_group in snapshot.values:
            RandomState.from_parts(groups[random_group], snapshot.values[random_group]).restore()

    def _restore_values(self, values: Mapping[str, Any]) -> None:
        """Checkpoints of the first versions lack some values."""
        self.learning_rate_scale = values["learning_rate_scale"]
        self.rollbacks = values["rollbacks"]
        self.microbatch_size = values["microbatch_size"]
        self.epoch_loss_sum, self.epoch_samples = values["epoch_loss_sum"], values["epoch_samples"]
        self.history = [EpochRecord(**record) for record in values["history"]]
        self.best_score, self.best_loss = values["best_score"], values.get("best_loss")
        adjustments = values.get("schedule_adjustments", ())
        self.schedule.adjustments = [ScheduleAdjustment(**adjustment) for adjustment in adjustments]
        self.microbatch_history = [MicrobatchChange(**change) for change in values.get("microbatch_history", ())]


def make_ema(net: nn.Module) -> nn.Module:
    """A copy of the network for the moving average of its weights."""
    copy = deepcopy(net).eval()
    copy.requires_grad_(requires_grad=False)
    return copy


@torch.no_grad()
def update_ema(ema: nn.Module, net: nn.Module, decay: float) -> None:
    """Averages the weights, as torch.optim.swa_utils does; buffers (BatchNorm's statistics) are copied."""
    averages: list[Tensor] = list(ema.parameters())
    weights = [parameter.detach() for parameter in net.parameters()]
    torch._foreach_lerp_(averages, weights, 1.0 - decay)
    for average_buffer, buffer in zip(ema.buffers(), net.buffers(), strict=True):
        average_buffer.copy_(buffer)


def _random_group(rank: int) -> str:
    """Name of a process's random state in a snapshot. That of rank 0 is the same as in a run of a single process."""
    return "random" if rank == 0 else f"random.{rank}"


def _group_tensors(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors by group and name, from those named ``<group>/<name>``."""
    groups: dict[str, dict[str, Tensor]] = {}
    for path, tensor in tensors.items():
        group, _, name = path.partition("/")
        groups.setdefault(group, {})[name] = tensor
    return groups


def _copy_to_cpu(name: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise ArtifactError(
            f"the network keeps {name} ({type(value).__name__}) in its state, which is no tensor",
            hint="keep such state in a buffer: register_buffer(name, torch.tensor(...))",
        )
    return value.detach().to("cpu", copy=True).contiguous()


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State tensors named ``<index of the parameter>.<name>``; a number becomes a tensor of no dimension."""
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, parameter in enumerate(_parameters(optimizer))
        for name, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Gives each state tensor its parameter's device and memory layout, which fused kernels rely on."""
    optimizer.state.clear()
    parameters = _parameters(optimizer)
    for path, tensor in tensors.items():
        index, _, name = path.partition(".")
        parameter = parameters[int(index)]
        like = (
            torch.empty_like(parameter, dtype=tensor.dtype)
            if tensor.shape == parameter.shape
            else torch.empty_like(tensor)
        )
        optimizer.state[parameter][name] = like.copy_(tensor)
