"""The broker and the tasks of the taskiq tests: `taskiq worker tests.frameworks.taskiq_jobs:broker`."""

from __future__ import annotations

import os

from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

URL = os.environ.get("REDIS_URL", "redis://localhost")

broker = ListQueueBroker(URL).with_result_backend(RedisAsyncResultBackend(URL, result_ex_time=600))


@broker.task
async def add(a: int, b: int) -> int:
    return a + b
