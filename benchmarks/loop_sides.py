"""The sides of loop_overhead.py: bare steps by hand and Naiad's loop, with one network and one plan."""

import time
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from naiad.trainer import nets
from naiad.trainer.autoscale.rules.make_plan import make_plan
from naiad.trainer.data.batches import BatchLoader
from naiad.trainer.data.dataset import Split, TensorSamples
from naiad.trainer.data.prepare import prepare
from naiad.trainer.loop.checkpoint import MemoryCheckpoints
from naiad.trainer.loop.events import NullEventWriter
from naiad.trainer.loop.loop import Loop, ValidationResult
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.loop.state import RunState
from naiad.trainer.loop.step import Stepper
from naiad.trainer.loop.stopping import StopFlag
from naiad.trainer.optim.losses import make_loss
from naiad.trainer.optim.optimizers import make_optimizer
from naiad.trainer.optim.schedule import learning_rate_at
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule

BATCH = 128


@dataclass(frozen=True)
class Duration:
    wall_s: float
    cpu_s: float
    """Processor seconds of all threads; steadier than ``wall_s`` on a busy machine with one thread."""

    @classmethod
    def now(cls) -> "Duration":
        return cls(time.perf_counter(), time.process_time())

    def since(self) -> "Duration":
        now = Duration.now()
        return Duration(now.wall_s - self.wall_s, now.cpu_s - self.cpu_s)


class Sides:
    """The three sides, with the same initial network and the same plan."""

    def __init__(self, samples: int, optimizer: str = "sgd") -> None:
        dataset = prepare("fashion-mnist")
        indices = torch.arange(min(samples, len(dataset.train)))
        tensor = dataset.train.samples.take(indices)
        self.split = Split(TensorSamples(tensor), dataset.train.targets[indices], dataset.train.names)
        self.dataset = replace(dataset, train=self.split)
        overrides = {"epochs": 1, "batch_size": BATCH, "optimizer": optimizer}
        self.plan = make_plan(self.net(), self.dataset, overrides, seed=0)
        torch.set_num_threads(self.plan.threads)
        self.loss = make_loss(dataset.task)
        self.loader = BatchLoader(self.split, BATCH, 0)
        self.batches = list(self.loader.epoch(0))
        self.layout = torch.channels_last if self.plan.memory_format == "channels_last" else torch.contiguous_format

    def net(self) -> torch.nn.Module:
        torch.manual_seed(0)
        return nets.create_network("simplenet", input_shape=(1, 28, 28), outputs=10)

    def net_in_layout(self) -> torch.nn.Module:
        return self.net().to(memory_format=self.layout).train()

    def bare(self, *, read_loss: bool = False) -> "Duration":
        net = self.net_in_layout()
        optimizer = make_optimizer(net, self.plan)
        parameters, bf16 = list(net.parameters()), self.plan.precision == "bf16"
        features, layout = self.dataset.features, self.layout
        started = Duration.now()
        for step, batch in enumerate(self.batches):
            rate = learning_rate_at(step, self.plan)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            inputs = features(batch.raw).contiguous(memory_format=layout)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = F.cross_entropy(net(inputs), batch.targets)
            if read_loss:
                loss.item()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, self.plan.clip_norm)
            optimizer.step()
        return started.since()

    def bare_item(self) -> "Duration":
        return self.bare(read_loss=True)

    def loop(self) -> "Duration":
        loop = self.make_loop()
        started = Duration.now()
        loop.train()
        return started.since()

    def make_loop(self) -> Loop:
        net = self.net_in_layout()
        state = RunState(
            net,
            make_optimizer(net, self.plan),
            None,
            self.plan.microbatch_size,
            AdjustedSchedule(self.plan.total_steps),
        )
        stepper = Stepper(net, self.dataset.features, self.loss, state.optimizer, self.plan, BATCH)
        no_validation = ValidationResult({}, 0.0)
        services = {
            "checkpoints": MemoryCheckpoints(), "events": NullEventWriter(), "progress": SilentProgress(), "stop": StopFlag(),
        }  # fmt: skip
        return Loop(state, stepper, self.loader, self.plan, lambda _: no_validation, deadline=None, **services)
