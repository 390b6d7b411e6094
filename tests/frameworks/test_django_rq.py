"""django-rq with its queues in process: by settings, by the patch that its users copy, and by URL over TCP."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("django_rq")

import django

django.setup()

import django_rq  # noqa: E402
from django.core.management import call_command  # noqa: E402
from rq import SimpleWorker  # noqa: E402
from rq.job import JobStatus  # noqa: E402

from redouble import FakeRedis, reset  # noqa: E402
from tests.frameworks import rq_jobs as jobs  # noqa: E402


def fake_connection(config: dict[str, Any], use_strict_redis: bool = False) -> Any:
    return FakeRedis(host=config["HOST"], port=config["PORT"], db=config.get("DB", 0))


@pytest.fixture(params=["settings", "patch", "url"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """How django-rq comes to its connection."""
    reset()
    if request.param == "patch":
        monkeypatch.setattr("django_rq.queues.get_redis_connection", fake_connection)
        monkeypatch.setattr("django_rq.connection_utils.get_redis_connection", fake_connection)
    if request.param == "url":
        url = request.getfixturevalue("url")
        for queue in django_rq.settings.QUEUES.values():
            for name in ("HOST", "PORT", "REDIS_CLIENT_KWARGS"):
                monkeypatch.delitem(queue, name)
            monkeypatch.setitem(queue, "URL", url)
    yield
    reset()


def test_a_worker_of_the_project_works_off_its_queues() -> None:
    added = django_rq.enqueue(jobs.add, 2, 3)
    failed = django_rq.get_queue("default").enqueue(jobs.fail, "no")
    django_rq.get_worker("default", worker_class=SimpleWorker).work(burst=True, logging_level="ERROR")
    assert (added.get_status(), added.return_value()) == (JobStatus.FINISHED, 5)
    assert failed.get_status() == JobStatus.FAILED


def test_the_decorator_and_a_queue_that_is_not_asynchronous() -> None:
    job = django_rq.job("immediate")(jobs.add).delay(2, 3)
    assert job.return_value() == 5


def test_management_commands(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("rqenqueue", "tests.frameworks.rq_jobs.note", "hello", verbosity=0)
    call_command("rqworker", "default", burst=True, worker_class="rq.SimpleWorker", verbosity=0)
    assert django_rq.get_connection("default").lrange("notes", 0, -1) == [b"hello"]
    call_command("rqstats", json=True)
    assert '"finished_jobs": 1' in capsys.readouterr().out
