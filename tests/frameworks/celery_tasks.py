"""The application and the tasks of the Celery tests: `celery -A tests.frameworks.celery_tasks worker`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

URL = os.environ.get("REDIS_URL", "redis://localhost")

app = Celery("tests", broker=URL, backend=URL)
app.conf.update(
    broker_connection_retry_on_startup=True,
    result_extended=True,
    task_track_started=True,
    worker_hijack_root_logger=False,
)


@app.task
def add(a: int, b: int) -> int:
    return a + b


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task
def fail(text: str) -> None:
    raise ValueError(text)


@app.task(bind=True, max_retries=2)
def fail_once(self: Any) -> int:
    if self.request.retries == 0:
        raise self.retry(countdown=0, exc=ValueError("the first attempt"))
    return int(self.request.retries)


@app.task(bind=True)
def progress(self: Any) -> str:
    """Tells how far it is, and goes on when somebody has seen it."""
    self.update_state(state="PROGRESS", meta={"done": 50})
    client = self.backend.client
    client.blpop("go on", 4)  # redis-py 8 waits for answers for 5 seconds
    return "done"
