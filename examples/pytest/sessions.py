"""The application: login sessions in Redis."""

from __future__ import annotations

import secrets

import redis


class Unavailable(Exception):
    """Nobody can log in just now."""


class Sessions:
    def __init__(self, client: redis.Redis, lifetime: int = 3600) -> None:
        self.client = client
        self.lifetime = lifetime

    def open(self, user: str) -> str:
        token = secrets.token_urlsafe()
        try:
            self.client.set(f"session:{token}", user, ex=self.lifetime)
        except redis.exceptions.ReadOnlyError as error:
            raise Unavailable from error
        return token

    def user(self, token: str) -> str | None:
        """Who this is. From now on the session lasts for its whole lifetime again."""
        name = self.client.getex(f"session:{token}", ex=self.lifetime)
        return None if name is None else name.decode()
