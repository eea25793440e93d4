"""Where data comes from: one file a format, and ``open_source`` that tells them apart."""

from naiad.trainer.data.sources.open import open_source

__all__ = ["open_source"]
