"""The application: five attempts to log in a minute, for each address."""

from __future__ import annotations

import limits
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

FIVE_A_MINUTE = limits.parse("5/minute")


class Guard:
    def __init__(self, storage: Storage) -> None:
        self.limiter = FixedWindowRateLimiter(storage)

    def lets_in(self, address: str) -> bool:
        return self.limiter.hit(FIVE_A_MINUTE, "login", address)
