"""The processes that train one model, several or a single one: the only file that uses torch.distributed.

A run asks its ``ProcessGroup`` the same things whether it has one process or several. A single process sends nothing. Several
processes must call the same methods in the same order: each call waits for all of them, and fails where one of them has ended.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Generic, Protocol, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from naiad.errors import InputError, NaiadError, OptionError, TrainingError

T = TypeVar("T")
TIMEOUT = timedelta(hours=1)
"""Longest wait for a process that is silent: rank 0 may measure, test or write meanwhile. One that has ended is seen at once."""
BUCKET_BYTES = 32 * 2**20
"""Bytes of tensors that one message carries."""
_rendezvous_numbers = count()


class ProcessGroup(Protocol):
    """The processes of a run. Methods raise TrainingError when another process has ended or does not answer."""

    @property
    def rank(self) -> int:
        """Number of this process, 0 … size - 1. Rank 0 makes the choices and is the only one that writes."""

    @property
    def size(self) -> int: ...

    def on_rank_zero(self, function: Callable[[], T]) -> T:
        """Calls ``function`` on rank 0 only and returns its value on every rank; a NaiadError is raised on every rank."""

    def all_gather(self, value: T) -> list[T]:
        """The values of all processes, by rank."""

    def all_gather_numbers(self, numbers: Sequence[float]) -> list[list[float]]:
        """The same as ``all_gather`` for a few numbers, and faster."""

    def broadcast_(self, tensors: Sequence[Tensor]) -> None:
        """Overwrites the tensors of every process with those of rank 0, bit for bit."""

    def all_reduce_(self, tensors: Sequence[Tensor]) -> None:
        """Overwrites the tensors with their sums over all processes; the bits are the same on every rank."""


@dataclass(frozen=True)
class SingleProcess:
    rank: int = 0
    size: int = 1

    def on_rank_zero(self, function: Callable[[], T]) -> T:
        return function()

    def all_gather(self, value: T) -> list[T]:
        return [value]

    def all_gather_numbers(self, numbers: Sequence[float]) -> list[list[float]]:
        return [list(numbers)]

    def broadcast_(self, tensors: Sequence[Tensor]) -> None: ...

    def all_reduce_(self, tensors: Sequence[Tensor]) -> None: ...


@dataclass(frozen=True)
class DistributedProcesses:
    rank: int
    size: int
    cpu_group: dist.ProcessGroup
    """torch's group for everything but tensors on a GPU: it uses gloo where the gradients go by nccl."""

    def on_rank_zero(self, function: Callable[[], T]) -> T:
        messages: list[_Outcome[T]] = [_Outcome()]
        if self.rank == 0:
            messages = [_Outcome.from_call(function)]
        with _as_training_errors():
            dist.broadcast_object_list(messages, src=0, group=self.cpu_group, device=torch.device("cpu"))
        return messages[0].result()

    def all_gather(self, value: T) -> list[T]:
        values: list[T] = [value] * self.size
        with _as_training_errors():
            dist.all_gather_object(values, value, group=self.cpu_group)
        return values

    def all_gather_numbers(self, numbers: Sequence[float]) -> list[list[float]]:
        own = torch.tensor(numbers, dtype=torch.float64)
        tensors = [torch.empty_like(own) for _ in range(self.size)]
        with _as_training_errors():
            dist.all_gather(tensors, own, group=self.cpu_group)
        return [tensor.tolist() for tensor in tensors]

    @torch.no_grad()
    def broadcast_(self, tensors: Sequence[Tensor]) -> None:
        for bucket in _buckets(tensors, key=lambda tensor: tensor.device):
            flat = torch.cat([tensor.detach().reshape(-1).view(torch.uint8) for tensor in bucket])
            message = _to_sendable(flat)
            with _as_training_errors():
                dist.broadcast(message, src=0, group=self._group_for(message))
            pieces = torch.split(message.to(flat.device), [tensor.nbytes for tensor in bucket])
            for tensor, piece in zip(bucket, pieces, strict=True):
                tensor.detach().copy_(piece.clone().view(tensor.dtype).view(tensor.shape))

    @torch.no_grad()
    def all_reduce_(self, tensors: Sequence[Tensor]) -> None:
        for bucket in _buckets(tensors, key=lambda tensor: (tensor.device, tensor.dtype)):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            message = _to_sendable(flat)
            with _as_training_errors():
                dist.all_reduce(message, group=self._group_for(message))
            pieces = torch.split(message.to(flat.device), [tensor.numel() for tensor in bucket])
            for tensor, piece in zip(bucket, pieces, strict=True):
                tensor.copy_(piece.view(tensor.shape))

    def _group_for(self, tensor: Tensor) -> dist.ProcessGroup | None:
        """None is torch's default group."""
        return None if tensor.is_cuda else self.cpu_group


@dataclass(frozen=True)
class _Outcome(Generic[T]):
    """The value or the error of a function that only rank 0 calls."""

    value: T | None = None
    error: NaiadError | None = None

    @classmethod
    def from_call(cls, function: Callable[[], T]) -> "_Outcome[T]":
        try:
            return cls(value=function())
        except NaiadError as error:
            error.raised_by_all = True
            return cls(error=error)

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # reason: T may be None itself


@dataclass(frozen=True)
class RankInfo:
    """The number of this process and of all processes, as torchrun's variables state them."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Number among the processes of this machine: the GPU that it uses."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "RankInfo":
        """Raises OptionError. Without WORLD_SIZE, or with 1, there is a single process."""
        size = _whole_number(environment, "WORLD_SIZE", 1)
        if size <= 1:
            return cls()
        for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
            if name not in environment:
                raise OptionError(
                    f"WORLD_SIZE is {size}, and {name} is not set",
                    hint="start the processes with torchrun, or set WORLD_SIZE, RANK, MASTER_ADDR and MASTER_PORT for each",
                )
        rank = _whole_number(environment, "RANK", 0)
        if not 0 <= rank < size:
            raise OptionError(f"RANK is {rank} of {size} processes", hint=f"give each its own, 0 to {size - 1}")
        return cls(rank, size, _whole_number(environment, "LOCAL_RANK", 0))


def is_rank_zero() -> bool:
    """Whether this process is the only one, or rank 0 of several: the one that writes."""
    return RankInfo.from_environment(os.environ).rank == 0


@contextmanager
def join_process_group() -> Iterator[ProcessGroup]:
    """The group of this process for the block. Waits for the other processes; a default group of the caller's is used and stays.

    Raises OptionError for an environment that is incomplete, TrainingError when the other processes do not come.
    """
    with _as_errors_of_this_rank():
        info = RankInfo.from_environment(os.environ)
    if info.size == 1:
        yield SingleProcess()
        return
    with _as_errors_of_this_rank():
        on_gpu = _select_gpu(info)
    is_owner = not dist.is_initialized()
    with _as_training_errors():
        if is_owner:
            _init_process_group(info, "nccl" if on_gpu else "gloo")
        cpu_group = dist.new_group(backend="gloo", timeout=TIMEOUT)
        assert isinstance(cpu_group, dist.ProcessGroup), "every process is in it"
    try:
        yield DistributedProcesses(info.rank, info.size, cpu_group)
    finally:
        dist.destroy_process_group(None if is_owner else cpu_group)


@contextmanager
def after_rank_zero(group: ProcessGroup, *, wait: bool) -> Iterator[None]:
    """Runs the block on rank 0 first when ``wait``: the other ranks then find the files that it has downloaded."""
    if wait and group.rank > 0:
        group.all_gather(None)
    try:
        yield
    finally:
        if wait and group.rank == 0:
            group.all_gather(None)


@contextmanager
def share_input_errors(group: ProcessGroup) -> Iterator[None]:
    """Raises on every rank the InputError that the block raises on any of them: the one of the lowest rank."""
    own_error = None
    try:
        yield
    except InputError as error:
        own_error = error
    errors = [error for error in group.all_gather(own_error) if error is not None]
    if errors:
        errors[0].raised_by_all = True
        raise errors[0]


@contextmanager
def _as_errors_of_this_rank() -> Iterator[None]:
    """Marks an OptionError as one that only this rank raises: the variables and GPUs of each process are its own."""
    try:
        yield
    except OptionError as error:
        error.raised_by_all = False
        raise


def _select_gpu(info: RankInfo) -> bool:
    """Returns whether there is one."""
    if not torch.cuda.is_available():
        return False
    gpus = torch.cuda.device_count()
    if info.local_rank >= gpus:
        raise OptionError(
            f"LOCAL_RANK is {info.local_rank}, and this machine has {gpus} GPUs",
            hint=f"start {gpus} processes: torchrun --nproc-per-node {gpus}",
        )
    torch.cuda.set_device(info.local_rank)
    return True


def _init_process_group(info: RankInfo, backend: str) -> None:
    """Uses a new prefix in the rendezvous store each time: an earlier group may have left keys there."""
    store, _, _ = next(rendezvous("env://", info.rank, info.size, timeout=TIMEOUT))
    store = PrefixStore(f"naiad-{next(_rendezvous_numbers)}", store)
    dist.init_process_group(backend, store=store, rank=info.rank, world_size=info.size, timeout=TIMEOUT)


@contextmanager
def _as_training_errors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # the class of all errors of torch.distributed
        raise TrainingError(
            f"another process of this run has ended or does not answer: {str(error).splitlines()[0]}",
            hint="its own messages say why; start all of them again with --resume to go on from the last checkpoint",
        ) from error


def _to_sendable(flat: Tensor) -> Tensor:
    """The tensor itself on an NVIDIA GPU, else a tensor on the CPU: nccl cannot send from an Apple GPU, say."""
    return flat if flat.is_cuda else flat.cpu()


def _buckets(tensors: Sequence[Tensor], *, key: Callable[[Tensor], object]) -> list[list[Tensor]]:
    """The tensors in order, in lists of equal ``key`` and at most BUCKET_BYTES; a larger tensor has a list of its own."""
    buckets_by_key: dict[object, list[list[Tensor]]] = {}
    for tensor in tensors:
        buckets = buckets_by_key.setdefault(key(tensor), [[]])
        if buckets[-1] and sum(other.nbytes for other in buckets[-1]) + tensor.nbytes > BUCKET_BYTES:
            buckets.append([])
        buckets[-1].append(tensor)
    return [bucket for buckets in buckets_by_key.values() for bucket in buckets]


def _whole_number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise OptionError(f"{name} is {text!r}, which is no whole number") from None
