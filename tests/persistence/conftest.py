"""The real servers are started as for the tests of the types."""

from tests.types.conftest import real

__all__ = ["real"]
