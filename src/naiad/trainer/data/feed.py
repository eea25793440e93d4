"""How samples come to a step: held in memory or as a stream, and by how many threads a stream's images are decoded.

Neither changes a batch: its samples and their order follow from the seed, the epoch and the position.
"""

from dataclasses import replace

from naiad.errors import OptionError
from naiad.trainer.data.cleaning.decoded_images import DecodedSamples
from naiad.trainer.data.cleaning.images import PictureSamples
from naiad.trainer.data.dataset import Dataset, Samples, Split
from naiad.trainer.data.sources.open import default_memory_limit_bytes
from naiad.trainer.machine import device

_MOST = 3
"""What may be held when the user says ``memory``, in units of what is held unasked."""


def memory_limit_bytes(feed: str | None) -> int:
    """What ``prepare`` may hold of samples that are read or decoded; None is what it holds unasked."""
    if feed == "stream":
        return 0
    return default_memory_limit_bytes() * (_MOST if feed == "memory" else 1)


def check_feed(wish: str | None, dataset: Dataset) -> None:
    """Raises OptionError where the samples do not come as the user wishes."""
    samples = dataset.train.samples
    if wish == "stream" and samples.in_memory:
        raise OptionError(
            f"feed is stream, but {dataset.name} is in memory as it comes",
            hint="leave feed out: image files and the items of a Dataset are streamed, arrays and tables are not",
        )
    if wish == "memory" and not samples.in_memory:
        if any(item.kind == "random-items" for item in dataset.findings.items):
            raise OptionError(
                f"feed is memory, but {dataset.name} gives another item each time it is read",
                hint="take the random transform out (augment= flips, shifts and crops), or leave feed out",
            )
        needed = len(samples) * samples.sample_shape.numel() * samples.dtype.itemsize
        raise OptionError(
            f"feed is memory, but {len(samples):,} samples of {needed / 1e9:,.1f} GB do not fit into it",
            hint="take smaller images (image_size=) or fewer, or leave feed out",
        )


def feed_of(samples: Samples) -> tuple[str, str]:
    """How they come, and why."""
    if samples.in_memory:
        return "memory", "it fits: held as it came, transformed by the batch"
    once = "decoded once to disk, " if isinstance(samples, DecodedSamples) else ""
    return "stream", f"larger than its share of memory: {once}read one batch ahead"


def takes_workers(samples: Samples) -> bool:
    """Whether several threads may decode them."""
    return isinstance(samples, PictureSamples) and samples.pictures.parallel


def workers_of(samples: Samples) -> tuple[int, str]:
    """How many threads decode them by rule, and why."""
    if takes_workers(samples):
        cores = device.usable_cores()
        return cores, f"image files are decoded as they are taken, by as many threads as cores: {cores}"
    return 1, "held in memory" if samples.in_memory else "read by the thread that is one batch ahead"


def check_workers(wish: int | None, samples: Samples) -> None:
    """Raises OptionError where items of a user's own code would be read by several threads."""
    if (
        wish is not None
        and wish > 1
        and not (samples.in_memory or isinstance(samples, DecodedSamples | PictureSamples))
    ):
        raise OptionError(
            f"feed_workers is {wish}, but the items of a Dataset are read by one thread at a time",
            hint="leave feed_workers out; several threads decode image files only",
        )


def decoded_by(split: Split, workers: int) -> Split:
    """The same samples, by so many threads where several may decode them."""
    samples = split.samples
    if not isinstance(samples, PictureSamples) or not samples.pictures.parallel:
        return split
    return replace(split, samples=replace(samples, workers=workers))
