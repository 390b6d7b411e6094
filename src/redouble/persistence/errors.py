"""What a reader says of bytes that are not what they claim to be."""

from __future__ import annotations

__all__ = ["BadPayload", "Unsupported"]


class BadPayload(ValueError):
    """The bytes are no value of the kind that they announce."""


class Unsupported(ValueError):
    """The bytes are well-known, but what they hold is something that redouble does not have."""
