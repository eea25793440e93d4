"""Limits and rules of loading: samples in memory or as a stream, and the threads that decode a stream's images.

Neither choice changes a batch: its samples and their order follow from the seed, the epoch and the position.
"""

from dataclasses import replace

from naiad.errors import OptionError
from naiad.trainer.data.cleaning.image_cache import CachedImages
from naiad.trainer.data.cleaning.lazy_images import LazyImages
from naiad.trainer.data.dataset import Dataset, Samples, Split
from naiad.trainer.data.sources.open import default_memory_limit_bytes
from naiad.trainer.machine import device

_MEMORY_FACTOR = 3
"""Memory for samples where the user asks for ``memory``, as a multiple of the default."""


def memory_limit_bytes(feed: str | None) -> int:
    """Returns the memory that ``prepare`` may use for samples, for the plan's ``feed``; None is no choice."""
    if feed == "stream":
        return 0
    return default_memory_limit_bytes() * (_MEMORY_FACTOR if feed == "memory" else 1)


def check_feed(feed: str | None, dataset: Dataset) -> None:
    """Raises OptionError where the samples of ``dataset`` cannot be loaded as the user asks; None is no choice."""
    samples = dataset.train.samples
    if feed == "stream" and samples.in_memory:
        raise OptionError(
            f"feed is stream, but {dataset.name} is in memory already",
            hint="leave feed out: image files and the items of a Dataset can be streamed, arrays and tables cannot",
        )
    if feed == "memory" and not samples.in_memory:
        if any(item.kind == "random-items" for item in dataset.findings.items):
            raise OptionError(
                f"feed is memory, but {dataset.name} returns another item each time it is read",
                hint="remove the random transform (augment= flips, shifts and crops), or leave feed out",
            )
        needed_bytes = len(samples) * samples.sample_shape.numel() * samples.dtype.itemsize
        raise OptionError(
            f"feed is memory, but {len(samples):,} samples need {needed_bytes / 1e9:,.1f} GB, which is too much",
            hint="use smaller images (image_size=) or fewer, or leave feed out",
        )


def default_feed(samples: Samples) -> tuple[str, str]:
    """Returns how the samples are loaded, and the reason."""
    if samples.in_memory:
        return "memory", "the samples fit in memory and are transformed by the batch"
    decoded = "decoded once to disk and " if isinstance(samples, CachedImages) else ""
    return "stream", f"the samples do not fit in memory: they are {decoded}read one batch ahead"


def can_decode_in_parallel(samples: Samples) -> bool:
    """Whether several threads may decode the samples."""
    return isinstance(samples, LazyImages) and samples.images.is_thread_safe


def default_feed_workers(samples: Samples) -> tuple[int, str]:
    """Returns the number of threads that decode the samples, and the reason."""
    if can_decode_in_parallel(samples):
        cores = device.usable_cores()
        return cores, f"image files are decoded by as many threads as there are cores: {cores}"
    if samples.in_memory:
        return 1, "the samples are in memory: nothing is decoded"
    return 1, "the samples are read by the thread that works one batch ahead"


def check_feed_workers(feed_workers: int | None, samples: Samples) -> None:
    """Raises OptionError where several threads would call a user's own code; None is no choice."""
    is_user_code = not (samples.in_memory or isinstance(samples, CachedImages | LazyImages))
    if feed_workers is not None and feed_workers > 1 and is_user_code:
        raise OptionError(
            f"feed_workers is {feed_workers}, but the items of a Dataset are read by one thread at a time",
            hint="leave feed_workers out: several threads decode image files only",
        )


def with_decoding_workers(split: Split, workers: int) -> Split:
    """Returns the split with so many decoding threads, where its samples allow several."""
    samples = split.samples
    if not isinstance(samples, LazyImages) or not samples.images.is_thread_safe:
        return split
    return replace(split, samples=replace(samples, workers=workers))
