"""What the jobs of the RQ and django-rq tests do; their workers import it by this name."""

from __future__ import annotations

import os
import signal
from typing import Any

import rq


def add(a: int, b: int) -> int:
    return a + b


def fail(text: str) -> None:
    raise ValueError(text)


def fail_once() -> str:
    """The first attempt fails; what it left in `meta` tells the second that it is the second."""
    job: Any = rq.get_current_job()
    job.meta["attempts"] = job.meta.get("attempts", 0) + 1
    job.save_meta()
    if job.meta["attempts"] == 1:
        raise ValueError("the first attempt")
    return "done"


def sum_of_dependencies() -> int:
    job: Any = rq.get_current_job()
    return sum(dependency.return_value() for dependency in job.fetch_dependencies())


def wait_for_ever() -> None:
    """Says that it works, then waits for an item that nobody pushes."""
    job: Any = rq.get_current_job()
    job.connection.rpush("working", job.id)
    job.connection.blpop("never", 30)


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def note(text: str) -> None:
    job: Any = rq.get_current_job()
    job.connection.rpush("notes", text)


def note_success(job: Any, connection: Any, result: Any) -> None:
    connection.rpush("notes", "success")
