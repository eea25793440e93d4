"""The state of a run between two steps, and its way into a snapshot and back, bit for bit.

What is here is all that changes while a run goes on. What does not change is in the plan.
"""

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from naiad.errors import ArtifactError
from naiad.trainer.loop.checkpoint import Snapshot
from naiad.trainer.machine.seeding import RandomState
from naiad.trainer.model.model import EpochRecord
from naiad.trainer.plan.plan import MicrobatchChange
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule, ScheduleAdjustment


@dataclass
class RunState:
    net: nn.Module
    optimizer: torch.optim.Optimizer
    average: nn.Module | None
    """The averaged copy of ``net``, when the plan asks for one."""
    microbatch_size: int
    """Samples a forward pass, before any halving."""
    schedule: AdjustedSchedule
    began: float = field(default_factory=time.perf_counter)
    """When the run did, on ``time.perf_counter``; of a resumed one so long before as its earlier parts took."""
    step: int = 0
    """Updates done."""
    rate_scale: float = 1.0
    """What the schedule is multiplied by; falls at every return to a checkpoint."""
    returns: int = 0
    """Returns to a checkpoint so far."""
    loss_sum: float = 0.0
    """Of this epoch, over samples."""
    loss_samples: int = 0
    halvings: list[MicrobatchChange] = field(default_factory=list)
    """Those of the plan that is replayed, too."""
    history: list[EpochRecord] = field(default_factory=list)
    best_score: float | None = None
    best_loss: float | None = None
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def microbatch_now(self) -> int:
        """Samples a forward pass of the next step takes at most."""
        return min([self.microbatch_size, *(halving.size for halving in self.halvings if halving.step <= self.step)])

    def keep_if_best(self, candidate: nn.Module, score: float, loss: float) -> None:
        """The weights with the highest score so far; of equals those with the lower loss, then the latest."""
        best = (
            (self.best_score, -self.best_loss) if self.best_score is not None and self.best_loss is not None else None
        )
        if best is not None and (score, -loss) < best:
            return
        self.best_score, self.best_loss = score, loss
        self.best_weights = {name: value.detach().clone() for name, value in candidate.state_dict().items()}

    def snapshot(self, randoms: Sequence[RandomState] | None = None) -> Snapshot:
        """randoms: of each process of the run, by rank; None is this one alone."""
        randoms = [RandomState.capture()] if randoms is None else randoms
        groups = {
            "net": self.net.state_dict(),
            "average": self.average.state_dict() if self.average is not None else {},
            "best": self.best_weights,
            "optimizer": _optimizer_tensors(self.optimizer),
            **{_random_of(rank): random.tensors() for rank, random in enumerate(randoms)},
        }
        tensors = {
            f"{group}/{name}": _copied(name, value) for group, items in groups.items() for name, value in items.items()
        }
        values = {
            "elapsed_s": time.perf_counter() - self.began,
            "rate_scale": self.rate_scale,
            "returns": self.returns,
            "microbatch_size": self.microbatch_size,
            "loss_sum": self.loss_sum,
            "loss_samples": self.loss_samples,
            "history": [dict(vars(record)) for record in self.history],
            "best_score": self.best_score,
            "best_loss": self.best_loss,
            "turns": [asdict(turn) for turn in self.schedule.adjustments],
            "halvings": [asdict(halving) for halving in self.halvings],
            **{_random_of(rank): random.to_json() for rank, random in enumerate(randoms)},
        }
        return Snapshot(self.step, tensors, values)

    def restore(self, snapshot: Snapshot, *, rank: int = 0) -> None:
        """Raises ArtifactError when the snapshot is of another network. A process that it has no randomness of keeps its own."""
        groups: dict[str, dict[str, Tensor]] = {}
        for path, tensor in snapshot.tensors.items():
            group, _, name = path.partition("/")
            groups.setdefault(group, {})[name] = tensor
        try:
            self.net.load_state_dict(groups.get("net", {}))
            if self.average is not None:
                self.average.load_state_dict(groups["average"])
        except (RuntimeError, KeyError) as error:
            raise ArtifactError(
                f"the checkpoint at step {snapshot.step} is of another network: {str(error).splitlines()[-1].strip()}",
                hint="resume with the network that the run was started with, or start anew in another folder",
            ) from error
        _restore_optimizer(self.optimizer, groups.get("optimizer", {}))
        values = snapshot.values
        self.step = snapshot.step
        self.rate_scale = values["rate_scale"]
        self.returns = values["returns"]
        self.microbatch_size = values["microbatch_size"]
        self.loss_sum, self.loss_samples = values["loss_sum"], values["loss_samples"]
        self.history = [EpochRecord(**record) for record in values["history"]]
        self.best_score, self.best_loss = values["best_score"], values.get("best_loss")
        self.schedule.adjustments = [ScheduleAdjustment(**turn) for turn in values.get("turns", ())]
        self.halvings = [MicrobatchChange(**halving) for halving in values.get("halvings", ())]
        self.best_weights = groups.get("best", {})
        random = _random_of(rank)
        if random in values:
            RandomState.from_parts(groups[random], values[random]).restore()


def _random_of(rank: int) -> str:
    """The group's name in a snapshot; the first's is what a run of a single process has."""
    return "random" if rank == 0 else f"random.{rank}"


def make_ema(net: nn.Module) -> nn.Module:
    copy = deepcopy(net).eval()
    copy.requires_grad_(requires_grad=False)
    return copy


@torch.no_grad()
def update_ema(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Weights are averaged; buffers (BatchNorm's statistics) are taken as they are."""
    ours: list[Tensor] = list(average.parameters())
    theirs = [parameter.detach() for parameter in net.parameters()]
    torch._foreach_lerp_(ours, theirs, 1.0 - decay)  # as torch.optim.swa_utils does
    for mine, current in zip(average.buffers(), net.buffers(), strict=True):
        mine.copy_(current)


def _copied(name: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise ArtifactError(
            f"the network keeps {name} ({type(value).__name__}) in its state, which is no tensor",
            hint="keep such state in a buffer: register_buffer(name, torch.tensor(...))",
        )
    return value.detach().to("cpu", copy=True).contiguous()


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """``<index of the parameter>.<name>``; a number becomes a tensor of no dimension."""
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, parameter in enumerate(_parameters(optimizer))
        for name, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Each state tensor gets its parameter's device and memory layout back: kernels that run through memory rely on it."""
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
