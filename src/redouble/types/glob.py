"""Placeholder until the structures land."""

import fnmatch
from collections.abc import Callable


def compile_glob(pattern: bytes) -> Callable[[bytes], bool]:
    return lambda text: fnmatch.fnmatchcase(text, pattern)
