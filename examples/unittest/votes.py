"""The application: each user has one vote, which can be changed."""

from __future__ import annotations

import redis


def vote(client: redis.Redis, user: str, candidate: str) -> None:
    with client.pipeline() as pipeline:
        pipeline.watch("votes")
        before = pipeline.hget("votes", user)
        pipeline.multi()
        pipeline.hset("votes", user, candidate)
        pipeline.zincrby("results", 1, candidate)
        if before is not None:
            pipeline.zincrby("results", -1, before)
        pipeline.execute()


def winner(client: redis.Redis) -> str | None:
    best = client.zrange("results", 0, 0, desc=True)
    return best[0].decode() if best else None
