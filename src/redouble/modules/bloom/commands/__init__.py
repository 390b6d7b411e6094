"""The commands, a file for each of the structures."""

from redouble.modules.bloom.commands import cms, tdigest, topk

__all__ = ["cms", "tdigest", "topk"]
