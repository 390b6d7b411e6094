"""The application: a report that one process at a time may build."""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache


def report(month: str, build: Callable[[str], str]) -> str:
    with cache.lock(f"lock:{month}", timeout=60):
        return cache.get_or_set(f"report:{month}", lambda: build(month), timeout=None)


def forget_reports(year: int) -> int:
    return cache.delete_pattern(f"report:{year}-*")
