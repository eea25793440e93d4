"""Several processes that train one model together, or one that trains alone: the only file that touches torch.distributed.

A run asks its group the same things whether it is alone or not. Alone, nothing is sent. Together, every process of the group
must ask the same things in the same order: each call is a meeting of all of them. One that has ended is an error for the rest.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Protocol, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from naiad.errors import NaiadError, OptionError, TrainingError

T = TypeVar("T")
PATIENCE = timedelta(hours=1)
"""How long one waits for another that is silent: the first may measure, test or write. One that has ended is seen at once."""
BUCKET_BYTES = 32 * 2**20
"""Of gradients that are summed by one message."""
_joined = count()


class Group(Protocol):
    """The processes of a run. Methods raise TrainingError when another process has ended or does not answer."""

    @property
    def rank(self) -> int:
        """0 … size - 1. The first, 0, makes the choices and is the only one that writes."""

    @property
    def size(self) -> int: ...

    def by_first(self, make: Callable[[], T]) -> T:
        """What ``make`` gives in the first process, which alone calls it. A NaiadError that it raises there is raised by all."""

    def gather(self, value: T) -> list[T]:
        """The values of all, by rank."""

    def gather_numbers(self, numbers: Sequence[float]) -> list[list[float]]:
        """As ``gather``, for a few numbers, and quick."""

    def spread_(self, tensors: Sequence[Tensor]) -> None:
        """The first process's tensors, bit for bit, in the place of everybody's."""

    def sum_(self, tensors: Sequence[Tensor]) -> None:
        """The sums over all processes in the tensors' place, with the same bits in each of them."""


@dataclass(frozen=True)
class Alone:
    rank: int = 0
    size: int = 1

    def by_first(self, make: Callable[[], T]) -> T:
        return make()

    def gather(self, value: T) -> list[T]:
        return [value]

    def gather_numbers(self, numbers: Sequence[float]) -> list[list[float]]:
        return [list(numbers)]

    def spread_(self, tensors: Sequence[Tensor]) -> None: ...

    def sum_(self, tensors: Sequence[Tensor]) -> None: ...


@dataclass(frozen=True)
class Together:
    rank: int
    size: int
    words: dist.ProcessGroup
    """For what is no tensor of a GPU: gloo, where the gradients go by nccl."""

    def by_first(self, make: Callable[[], T]) -> T:
        told: list[tuple[T | None, NaiadError | None] | None] = [None]
        if self.rank == 0:
            try:
                told = [(make(), None)]
            except NaiadError as failed:
                told = [(None, failed)]
        with _reached():
            dist.broadcast_object_list(told, src=0, group=self.words, device=torch.device("cpu"))
        assert told[0] is not None
        value, error = told[0]
        if error is not None:
            raise error
        return value  # type: ignore[return-value]  # reason: T may be None itself

    def gather(self, value: T) -> list[T]:
        values: list[T] = [value] * self.size
        with _reached():
            dist.all_gather_object(values, value, group=self.words)
        return values

    def gather_numbers(self, numbers: Sequence[float]) -> list[list[float]]:
        mine = torch.tensor(numbers, dtype=torch.float64)
        everyones = [torch.empty_like(mine) for _ in range(self.size)]
        with _reached():
            dist.all_gather(everyones, mine, group=self.words)
        return [tensor.tolist() for tensor in everyones]

    @torch.no_grad()
    def spread_(self, tensors: Sequence[Tensor]) -> None:
        for bucket in _buckets(tensors, by_kind=lambda tensor: tensor.device):
            flat = torch.cat([tensor.detach().reshape(-1).view(torch.uint8) for tensor in bucket])
            sent = self._sendable(flat)
            with _reached():
                dist.broadcast(sent, src=0, group=self._way_of(sent))
            pieces = torch.split(sent.to(flat.device), [tensor.nbytes for tensor in bucket])
            for tensor, piece in zip(bucket, pieces, strict=True):
                tensor.detach().copy_(piece.clone().view(tensor.dtype).view(tensor.shape))

    @torch.no_grad()
    def sum_(self, tensors: Sequence[Tensor]) -> None:
        for bucket in _buckets(tensors, by_kind=lambda tensor: (tensor.device, tensor.dtype)):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            sent = self._sendable(flat)
            with _reached():
                dist.all_reduce(sent, group=self._way_of(sent))
            pieces = torch.split(sent.to(flat.device), [tensor.numel() for tensor in bucket])
            for tensor, piece in zip(bucket, pieces, strict=True):
                tensor.copy_(piece.view(tensor.shape))

    def _sendable(self, flat: Tensor) -> Tensor:
        """Where nccl cannot send it from (an Apple GPU, say), it goes by way of the CPU."""
        return flat if flat.is_cuda else flat.cpu()

    def _way_of(self, tensor: Tensor) -> dist.ProcessGroup | None:
        return None if tensor.is_cuda else self.words


@dataclass(frozen=True)
class Place:
    """Which process of how many this one is, as torchrun's variables tell it."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Among those of this machine: the GPU that it uses."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Place":
        """Raises OptionError. Without WORLD_SIZE, or with 1, a process is alone."""
        size = _number(environment, "WORLD_SIZE", 1)
        if size <= 1:
            return cls()
        for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
            if name not in environment:
                raise OptionError(
                    f"WORLD_SIZE is {size}, and {name} is not set",
                    hint="start the processes with torchrun, or set WORLD_SIZE, RANK, MASTER_ADDR and MASTER_PORT for each",
                )
        rank = _number(environment, "RANK", 0)
        if not 0 <= rank < size:
            raise OptionError(f"RANK is {rank} of {size} processes", hint=f"give each its own, 0 to {size - 1}")
        return cls(rank, size, _number(environment, "LOCAL_RANK", 0))


def writes() -> bool:
    """True for a process that is alone, and for the first of several."""
    return Place.of(os.environ).rank == 0


@contextmanager
def join() -> Iterator[Group]:
    """The group of this process for the block. Waits for the others; a group that the caller has made is used and stays.

    Raises OptionError for an environment that says half of what is needed, TrainingError when the others do not come.
    """
    place = Place.of(os.environ)
    if place.size == 1:
        yield Alone()
        return
    on_gpu = _take_gpu(place)
    ours = not dist.is_initialized()
    with _reached():
        if ours:
            _meet(place, "nccl" if on_gpu else "gloo")
        words = dist.new_group(backend="gloo", timeout=PATIENCE)
        assert isinstance(words, dist.ProcessGroup), "every process is in it"
    try:
        yield Together(place.rank, place.size, words)
    finally:
        dist.destroy_process_group(None if ours else words)


@contextmanager
def after_first(group: Group, *, wait: bool) -> Iterator[None]:
    """The block of the first process is over before that of the others begins: it fetches what they then find."""
    if wait and group.rank > 0:
        group.gather(None)
    yield
    if wait and group.rank == 0:
        group.gather(None)


def _take_gpu(place: Place) -> bool:
    if not torch.cuda.is_available():
        return False
    gpus = torch.cuda.device_count()
    if place.local_rank >= gpus:
        raise OptionError(
            f"LOCAL_RANK is {place.local_rank}, and this machine has {gpus} GPUs",
            hint=f"start {gpus} processes: torchrun --nproc-per-node {gpus}",
        )
    torch.cuda.set_device(place.local_rank)
    return True


def _meet(place: Place, backend: str) -> None:
    """Each time under a name of its own: what an earlier group left at the meeting place is of processes that have parted."""
    store, _, _ = next(rendezvous("env://", place.rank, place.size, timeout=PATIENCE))
    store = PrefixStore(f"naiad-{next(_joined)}", store)
    dist.init_process_group(backend, store=store, rank=place.rank, world_size=place.size, timeout=PATIENCE)


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # all of torch.distributed's are
        raise TrainingError(
            f"another process of this run has ended or does not answer: {str(error).splitlines()[0]}",
            hint="its own messages say why; start all of them again with --resume to go on from the last checkpoint",
        ) from error


def _buckets(tensors: Sequence[Tensor], *, by_kind: Callable[[Tensor], object]) -> list[list[Tensor]]:
    """In order, each of one kind and of no more than BUCKET_BYTES where it has more than one tensor."""
    kinds: dict[object, list[list[Tensor]]] = {}
    for tensor in tensors:
        buckets = kinds.setdefault(by_kind(tensor), [[]])
        if buckets[-1] and sum(held.nbytes for held in buckets[-1]) + tensor.nbytes > BUCKET_BYTES:
            buckets.append([])
        buckets[-1].append(tensor)
    return [bucket for buckets in kinds.values() for bucket in buckets]


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise OptionError(f"{name} is {text!r}, which is no whole number") from None
