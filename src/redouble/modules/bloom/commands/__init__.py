"""The commands, a file for each of the structures."""

from redouble.modules.bloom.commands import bf, cf, cms, tdigest, topk

__all__ = ["bf", "cf", "cms", "tdigest", "topk"]
