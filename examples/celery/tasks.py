"""The application: `celery -A tasks worker` runs its tasks."""

import os

from celery import Celery, group

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
app = Celery("tasks", broker=URL, backend=URL)


@app.task
def count(text: str) -> int:
    return len(text.split())


@app.task
def total(counts: list[int]) -> int:
    return sum(counts)


def count_all(texts: list[str]):
    """Count the words of all texts, each in a task, and then add them up."""
    return (group(count.s(text) for text in texts) | total.s()).delay()
