"""Sources of data: one file a format, and ``open_source``, which recognises the format."""

from naiad.trainer.data.sources.open import open_source

__all__ = ["open_source"]
