"""How large the structures may be: what a client asks for is all zeros, and there at once."""

from __future__ import annotations

from typing import Final

__all__ = ["LARGEST", "NoMemory"]

LARGEST: Final = 1 << 29
"""In bytes, as for strings."""


class NoMemory(Exception):
    """A structure would be larger than that, or of no size at all."""
