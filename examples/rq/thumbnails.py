"""The application: a job of RQ."""

from __future__ import annotations

import rq


def thumbnail(picture: str) -> str:
    if not picture.endswith(".png"):
        raise ValueError(f"{picture} is no picture")
    return picture.replace(".png", ".small.png")


def upload(queue: rq.Queue, picture: str) -> rq.job.Job:
    return queue.enqueue(thumbnail, picture, result_ttl=3600, retry=rq.Retry(max=1))
